"""The QR credential: `WP1:` and Base45 of a CWT in a COSE_Sign1. Read offline, judged within a second.

Sources: RFC 8392 (CWT), RFC 9052 (COSE), RFC 9285 (Base45), draft-ietf-oauth-status-list section 6.3 (status claim).
No compression: it gains 22 bytes on a permit and opens the door to bombs. `WP2:` is reserved for a holder-bound form.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from keys.signer import Signer
from walletpass import base45, cbor, cose
from walletpass.cbor import CborValue
from walletpass.credential import Evidence, Presentation, StatusReference
from walletpass.entitlement import ClaimValue
from walletpass.errors import EncodingRefused, Malformed

ISS, EXP, NBF, IAT, CTI, STATUS, APP = 1, 4, 5, 6, 7, 65535, -65537
_REQUIRED = frozenset({ISS, EXP, NBF, IAT, CTI, APP})
_ALL = _REQUIRED | {STATUS}

MAX_TEXT = 1500  # a permit needs 418; QR version 40-M ends at 3391; beyond this nothing of ours exists
MAX_ISSUER_AND_STATUS_URI = 72  # characters; keeps a permit with two plates within QR version 12
CREDENTIAL_ID_BYTES = 8
_MAX_TIME = 253_402_300_800  # the end of the year 9999
_MAX_INDEX = 1 << 32


@lru_cache(maxsize=32)
def _protected(kid: bytes) -> bytes:
    return cose.protected_header(kid)


class CwtFormat:
    """CWT in a QR code."""

    name = "cwt"
    prefix = "WP1:"

    def encode(self, evidence: Evidence, signer: Signer) -> str:
        """The QR text. Raises `EncodingRefused` when what would be signed does not read back as the pass."""
        payload = _payload(evidence)
        protected = _protected(signer.kid)
        self._lint(evidence, payload)
        signature = signer.sign(cose.sig_structure(protected, payload))
        text = self.prefix + base45.encode(cose.assemble(protected, payload, signature))
        if len(text) > MAX_TEXT:
            raise EncodingRefused(f"The QR text would have {len(text)} characters; at most {MAX_TEXT} are read.")
        return text

    def decode(self, text: str) -> Presentation:
        """Read a QR text strictly; raises `Malformed`."""
        if len(text) > MAX_TEXT or not text.startswith(self.prefix):
            raise Malformed("This is not a pass of the city: the code does not begin with WP1: or is too long.")
        signed = cose.take_apart(base45.decode(text[len(self.prefix) :]))
        if signed.typ is not None:
            raise Malformed("The signed document is not a credential.")
        claims = _read_payload(signed.payload)
        app = cast(dict[int, ClaimValue], claims[APP])
        return Presentation(
            format=self.name,
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
        )

    def _lint(self, evidence: Evidence, payload: bytes) -> None:
        """Our own reader must find exactly what the pass says, before anything is signed."""
        try:
            read = _read_payload(payload)
        except Malformed as refusal:
            raise EncodingRefused(f"The credential would not read back: {refusal.sentence}") from refusal
        app = cast(dict[int, ClaimValue], read[APP])
        expected = {
            c.number: evidence.claims[c.name] for c in evidence.pass_type.qr_claims if c.name in evidence.claims
        }
        if app != {0: evidence.pass_type.number} | expected or _status(read[STATUS]) != evidence.status:
            raise EncodingRefused("The credential would not say the same as the pass; nothing was signed.")
        times = (read[IAT], read[NBF], read[EXP])
        if times != (evidence.issued_at, evidence.valid_from, evidence.valid_until):
            raise EncodingRefused("The credential would not carry the pass's dates; nothing was signed.")


def _payload(evidence: Evidence) -> bytes:
    app: dict[int, ClaimValue] = {0: evidence.pass_type.number}
    for claim in evidence.pass_type.qr_claims:
        value = evidence.claims.get(claim.name)
        if value is not None:
            app[claim.number] = value
        elif claim.mandatory:
            raise EncodingRefused(f"The pass has no value for {claim.name}, which its QR code must carry.")
    return cbor.encode(
        {
            ISS: evidence.issuer,
            EXP: evidence.valid_until,
            NBF: evidence.valid_from,
            IAT: evidence.issued_at,
            CTI: evidence.credential_id,
            STATUS: {"status_list": {"idx": evidence.status.index, "uri": evidence.status.uri}},
            APP: app,
        }
    )


def _read_payload(payload: bytes) -> dict[int, object]:
    claims = cbor.decode(payload)
    if not isinstance(claims, dict) or not (_REQUIRED <= claims.keys() <= _ALL):
        raise Malformed("The credential does not hold exactly the claims it should.")
    if not isinstance(claims[ISS], str) or not claims[ISS]:
        raise Malformed("The credential names no issuer.")
    for key in (EXP, NBF, IAT):
        if not _is_int(claims[key], 0, _MAX_TIME):
            raise Malformed("The credential's times are not whole seconds.")
    credential_id = claims[CTI]
    if not isinstance(credential_id, bytes) or len(credential_id) != CREDENTIAL_ID_BYTES:
        raise Malformed("The credential's identifier does not have 8 bytes.")
    app = claims[APP]
    if not isinstance(app, dict) or not _is_int(app.get(0), 1, 65535):
        raise Malformed("The credential does not say what type of pass it is.")
    for number, value in app.items():
        if not _is_int(number, 0, 65535):
            raise Malformed("A claim of the credential has no proper number.")
        if isinstance(value, list):
            if not all(isinstance(item, str) for item in value):
                raise Malformed("A claim of the credential has a value of the wrong kind.")
            app[number] = cast(CborValue, tuple(value))
        elif value is None or isinstance(value, bytes | dict):
            raise Malformed("A claim of the credential has a value of the wrong kind.")
    if STATUS in claims:
        _status(claims[STATUS])
    return cast(dict[int, object], claims)


def _status(claim: object) -> StatusReference | None:
    if claim is None:
        return None
    if isinstance(claim, dict) and claim.keys() == {"status_list"}:
        reference = claim["status_list"]
        if isinstance(reference, dict) and reference.keys() == {"idx", "uri"}:
            index, uri = reference["idx"], reference["uri"]
            if _is_int(index, 0, _MAX_INDEX) and isinstance(uri, str) and uri:
                return StatusReference(uri, index)
    raise Malformed("The credential's status claim is not a reference into a status list.")


def _is_int(value: object, low: int, below: int) -> bool:
    return type(value) is int and low <= value < below


FORMAT = CwtFormat()
