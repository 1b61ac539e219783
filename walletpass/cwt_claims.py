"""The signed payload of QR credentials, the same in the unbound and in the bound form: written, compared, read.

Sources: RFC 8392 (CWT), RFC 8747 (`cnf`), draft-ietf-oauth-status-list section 6.3 (status claim).
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from keys.signer import Signer
from walletpass import cbor, cose
from walletpass.cbor import CborValue
from walletpass.credential import Evidence, HolderProof, Presentation, StatusReference
from walletpass.entitlement import ClaimValue
from walletpass.errors import EncodingRefused, Malformed
from walletpass.holder_key import from_confirmation, to_confirmation

ISS, EXP, NBF, IAT, CTI, CNF, STATUS, APP = 1, 4, 5, 6, 7, 8, 65535, -65537
CREDENTIAL_ID_BYTES = 8
MAX_TIME = 253_402_300_800  # the end of the year 9999
_MAX_INDEX = 1 << 32
_REQUIRED = frozenset({ISS, EXP, NBF, IAT, CTI, APP})
UNBOUND = (_REQUIRED, _REQUIRED | {STATUS})
BOUND = (_REQUIRED | {CNF}, _REQUIRED | {CNF, STATUS})
"""The claims that a credential must have, and those that it may have."""


@lru_cache(maxsize=32)
def _protected(kid: bytes) -> bytes:
    return cose.protected_header(kid)


def sign(evidence: Evidence, signer: Signer) -> bytes:
    """The COSE_Sign1. Raises `EncodingRefused` when what would be signed does not read back as the pass ("lint")."""
    payload = _write(evidence)
    protected = _protected(signer.kid)
    _compare(evidence, payload)
    return cose.assemble(protected, payload, signer.sign(cose.sig_structure(protected, payload)))


def present(
    made_in: str, signed: cose.Sign1, claims: dict[int, object], proof: HolderProof | None = None
) -> Presentation:
    """The presentation of a credential whose payload was read; takes `claims` over."""
    app = cast(dict[int, ClaimValue], claims[APP])
    return Presentation(
        format=made_in,
        kid=signed.kid,
        message=signed.message,
        signature=signed.signature,
        issuer=cast(str, claims[ISS]),
        issued_at=cast(int, claims[IAT]),
        valid_from=cast(int, claims[NBF]),
        valid_until=cast(int, claims[EXP]),
        credential_id=cast(bytes, claims[CTI]),
        type_number=cast(int, app.pop(0)),
        claims=app,
        status=_status(claims.get(STATUS)),
        holder_proof=proof,
    )


def _write(evidence: Evidence) -> bytes:
    app: dict[int, ClaimValue] = {0: evidence.pass_type.number}
    for claim in evidence.pass_type.qr_claims:
        value = evidence.claims.get(claim.name)
        if value is not None:
            app[claim.number] = value
        elif claim.mandatory:
            raise EncodingRefused(f"The pass has no value for {claim.name}, which its QR code must carry.")
    claims: dict[int, object] = {
        ISS: evidence.issuer,
        EXP: evidence.valid_until,
        NBF: evidence.valid_from,
        IAT: evidence.issued_at,
        CTI: evidence.credential_id,
        STATUS: {"status_list": {"idx": evidence.status.index, "uri": evidence.status.uri}},
        APP: app,
    }
    if evidence.holder_key is not None:
        claims[CNF] = to_confirmation(evidence.holder_key)
    return cbor.encode(claims)


def _compare(evidence: Evidence, payload: bytes) -> None:
    """Our own reader must find exactly what the pass says, before anything is signed."""
    try:
        found = read(payload, UNBOUND if evidence.holder_key is None else BOUND)
    except Malformed as refusal:
        raise EncodingRefused(f"The credential would not read back: {refusal.sentence}") from refusal
    app = cast(dict[int, ClaimValue], found[APP])
    expected = {c.number: evidence.claims[c.name] for c in evidence.pass_type.qr_claims if c.name in evidence.claims}
    if app != {0: evidence.pass_type.number} | expected or _status(found[STATUS]) != evidence.status:
        raise EncodingRefused("The credential would not say the same as the pass; nothing was signed.")
    if (found[IAT], found[NBF], found[EXP]) != (evidence.issued_at, evidence.valid_from, evidence.valid_until):
        raise EncodingRefused("The credential would not carry the pass's dates; nothing was signed.")
    if found.get(CNF) != evidence.holder_key:
        raise EncodingRefused("The credential would be bound to another key; nothing was signed.")


def read(payload: bytes, form: tuple[frozenset[int], frozenset[int]]) -> dict[int, object]:
    """The claims of a payload in the form `UNBOUND` or `BOUND`; raises `Malformed`. `cnf` is read to its point."""
    claims = cbor.decode(payload)
    if not isinstance(claims, dict) or not (form[0] <= claims.keys() <= form[1]):
        raise Malformed("The credential does not hold exactly the claims it should.")
    if not isinstance(claims[ISS], str) or not claims[ISS]:
        raise Malformed("The credential names no issuer.")
    for key in (EXP, NBF, IAT):
        if not is_integer(claims[key], 0, MAX_TIME):
            raise Malformed("The credential's times are not whole seconds.")
    credential_id = claims[CTI]
    if not isinstance(credential_id, bytes) or len(credential_id) != CREDENTIAL_ID_BYTES:
        raise Malformed("The credential's identifier does not have 8 bytes.")
    _read_app(claims[APP])
    if STATUS in claims:
        _status(claims[STATUS])
    if CNF in claims:
        claims[CNF] = from_confirmation(claims[CNF])
    return cast(dict[int, object], claims)


def _read_app(app: CborValue) -> None:
    if not isinstance(app, dict) or not is_integer(app.get(0), 1, 65535):
        raise Malformed("The credential does not say what type of pass it is.")
    for number, value in app.items():
        if not is_integer(number, 0, 65535):
            raise Malformed("A claim of the credential has no proper number.")
        if isinstance(value, list):
            if not all(isinstance(item, str) for item in value):
                raise Malformed("A claim of the credential has a value of the wrong kind.")
            app[number] = cast(CborValue, tuple(value))
        elif value is None or isinstance(value, bytes | dict):
            raise Malformed("A claim of the credential has a value of the wrong kind.")


def _status(claim: object) -> StatusReference | None:
    if claim is None:
        return None
    if isinstance(claim, dict) and claim.keys() == {"status_list"}:
        reference = claim["status_list"]
        if isinstance(reference, dict) and reference.keys() == {"idx", "uri"}:
            index, uri = reference["idx"], reference["uri"]
            if is_integer(index, 0, _MAX_INDEX) and isinstance(uri, str) and uri:
                return StatusReference(uri, index)
    raise Malformed("The credential's status claim is not a reference into a status list.")


def is_integer(value: object, low: int, below: int) -> bool:
    """Whether `value` is a whole number (`True` is none) from `low` up to but without `below`."""
    return type(value) is int and low <= value < below
