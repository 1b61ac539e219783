"""The six steps that turn a presented text into a verdict: one function, the same words everywhere.

Nothing here reads a file, a clock or the network: `published` is what is known, `now` is an argument. The order is
that of the Token Status List draft, section 8.3: a credential that already failed never asks for its status.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.trust_list import ListedKey, TrustList
from verifiers.known_types import KnownType
from verifiers.published import CLOCK_TOLERANCE, PublishedSet
from walletpass.credential import HolderProof, Presentation
from walletpass.entitlement import ClaimValue
from walletpass.errors import Malformed
from walletpass.formats import load_formats
from walletpass.passes import LOCAL_ZONE
from walletpass.status import Status
from walletpass.verdict import UNDETERMINED_REASONS, Outcome, Reason, Step, StepResult, Verdict

PROOF_AGE = 30  # seconds that a holder's proof may be old, or seem to come from the future
_FORMATS = {known.prefix: known for known in load_formats().values()}
_PREFIX = 4  # characters
_RESERVED = tuple(f"WP{number}:" for number in range(3, 10))  # forms to come
_ES256 = ECDSA(SHA256())
_P256 = SECP256R1()
_ALL = tuple(Step)
_PASSED = tuple((step, StepResult.PASSED) for step in _ALL)
_UNBOUND_PASSED = (*_PASSED[:-1], (Step.HOLDER, StepResult.NOT_CHECKED))


def verify(text: str, published: PublishedSet, now: int | datetime) -> Verdict:
    """Judge a presented text at `now` (NumericDate, or an aware datetime). Any text gets a verdict; nothing is raised.

    `claims` and `pass_type` are filled once the signature holds and the key may sign that type.
    """
    moment = now if isinstance(now, int) else _numeric(now)
    # 1 shape: it is what the format promises
    presented = _shape(text)
    if isinstance(presented, Reason):
        return _stopped(Step.SHAPE, presented)
    # 2 signature: a listed key signed it
    trust = published.trust_list
    if trust is None or moment >= trust.expires_at:
        return _stopped(Step.SIGNATURE, Reason.TRUST_LIST_STALE)
    key = _signature(presented, published)
    if isinstance(key, Reason):
        return _stopped(Step.SIGNATURE, key)
    # 3 trust: that key may sign this type
    known = _trust(presented, published, trust, key)
    if isinstance(known, Reason):
        return _stopped(Step.TRUST, known)
    claims = known.readable_claims(presented.claims)
    if claims is None:
        return _stopped(Step.TRUST, Reason.CLAIM_INVALID)
    # 4 validity: now is inside its window
    invalid = _validity(presented, trust, moment)
    if invalid is not None:
        return _stopped(Step.VALIDITY, invalid, known, claims, presented)
    # 5 status: not withdrawn, on a fresh enough list
    withdrawn, age = _status(presented, published, known, moment)
    if withdrawn is not None:
        return _stopped(Step.STATUS, withdrawn, known, claims, presented, age)
    # 6 holder: the presenter holds the bound key (a QR code on paper binds none)
    steps = _UNBOUND_PASSED
    if presented.holder_proof is not None:
        unproved = _holder(presented.holder_proof, moment)
        if unproved is not None:
            return _stopped(Step.HOLDER, unproved, known, claims, presented, age)
        steps = _PASSED
    until = last_valid_day(presented.valid_until)
    return Verdict(Outcome.ACCEPTED, Reason.ACCEPTED, steps, known.name, claims, until, age)


def _shape(text: str) -> Presentation | Reason:
    known_format = _FORMATS.get(text[:_PREFIX])
    if known_format is None:
        return Reason.UNSUPPORTED_FORMAT if text.startswith(_RESERVED) else Reason.MALFORMED
    try:
        return known_format.decode(text)
    except Malformed:
        return Reason.MALFORMED


def _signature(presented: Presentation, published: PublishedSet) -> ListedKey | Reason:
    """Several keys may share a kid (it is a short hash): each is tried."""
    keys = published.credential_keys.get(presented.kid)
    if keys is None:
        return Reason.UNKNOWN_KEY
    signature = _der(presented.signature)
    for key in keys:
        try:
            key.public_key.verify(signature, presented.message, _ES256)
        except InvalidSignature:
            continue
        return key
    return Reason.BAD_SIGNATURE


def _trust(presented: Presentation, published: PublishedSet, trust: TrustList, key: ListedKey) -> KnownType | Reason:
    name = published.type_names.get(presented.type_number)
    if name is None:
        return Reason.UNKNOWN_TYPE
    if key.pass_types and name not in key.pass_types:
        return Reason.KEY_NOT_ALLOWED
    if presented.issued_at < key.sign_from or (key.sign_until is not None and presented.issued_at > key.sign_until):
        return Reason.KEY_OUTSIDE_WINDOW
    if presented.issuer != trust.issuer:
        return Reason.WRONG_ISSUER
    return published.known_types.get(presented.type_number, Reason.TYPE_UNAVAILABLE)


def _validity(presented: Presentation, trust: TrustList, moment: int) -> Reason | None:
    """A signed list from the future proves that our clock is behind, and then an expired pass would look valid."""
    if moment >= presented.valid_until:
        return Reason.EXPIRED
    if moment < presented.valid_from:
        return Reason.NOT_YET_VALID
    return Reason.CLOCK_WRONG if trust.issued_at > moment + CLOCK_TOLERANCE else None


def _status(
    presented: Presentation, published: PublishedSet, known: KnownType, moment: int
) -> tuple[Reason | None, int | None]:
    """The reason to stop, or None, and the age of the list. INVALID is final, so even an old list says it for good."""
    reference = presented.status
    if reference is None:
        return Reason.STATUS_MISSING, None
    listed = published.status_lists.get(reference.uri)
    if listed is None:
        return Reason.STATUS_UNAVAILABLE, None
    age = max(0, moment - listed.issued_at)
    value = listed.value(reference.index) if reference.index < len(listed) else None
    if value == Status.INVALID:
        return Reason.REVOKED, age
    if age > known.max_status_age or moment >= listed.expires_at:
        return Reason.STATUS_STALE, age
    if value is None:
        return Reason.STATUS_OUT_OF_RANGE, age
    if value == Status.SUSPENDED:
        return Reason.SUSPENDED, age
    if value != Status.VALID:
        return Reason.STATUS_UNKNOWN_VALUE, age
    return (Reason.CLOCK_WRONG if listed.issued_at > moment + CLOCK_TOLERANCE else None), age


def _holder(proof: HolderProof, moment: int) -> Reason | None:
    """The time counts for nothing before the signature over it holds. The point was read as one of the curve."""
    key = EllipticCurvePublicKey.from_encoded_point(_P256, proof.key)
    try:
        key.verify(_der(proof.signature), proof.message, _ES256)
    except InvalidSignature:
        return Reason.BAD_PROOF
    if proof.signed_at < moment - PROOF_AGE:
        return Reason.PROOF_STALE
    return Reason.PROOF_EARLY if proof.signed_at > moment + PROOF_AGE else None


def _der(signature: bytes) -> bytes:
    """The 64 bytes r‖s (RFC 9053 section 2.1) as the library takes them."""
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))


def _numeric(now: datetime) -> int:
    if now.tzinfo is None:
        raise ValueError("a time without a zone says nothing")
    return int(now.timestamp())


@lru_cache(maxsize=1024)
def last_valid_day(valid_until: int) -> str:
    """The last local day (ISO) that ends by `valid_until`, a NumericDate: credentials end with a whole day."""
    try:
        return (datetime.fromtimestamp(valid_until, LOCAL_ZONE) - timedelta(seconds=1)).date().isoformat()
    except (ValueError, OverflowError):
        return "9999-12-31"


def _steps_until(stopped: Step, result: StepResult) -> tuple[tuple[Step, StepResult], ...]:
    at = _ALL.index(stopped)
    passed = tuple((step, StepResult.PASSED) for step in _ALL[:at])
    return (*passed, (stopped, result), *((step, StepResult.NOT_CHECKED) for step in _ALL[at + 1 :]))


_STOPPED = {step: {r: _steps_until(step, r) for r in (StepResult.FAILED, StepResult.UNKNOWN)} for step in _ALL}


def _stopped(
    step: Step,
    reason: Reason,
    known: KnownType | None = None,
    claims: Mapping[str, ClaimValue] | None = None,
    presented: Presentation | None = None,
    age: int | None = None,
) -> Verdict:
    if reason in UNDETERMINED_REASONS:
        outcome, steps = Outcome.UNDETERMINED, _STOPPED[step][StepResult.UNKNOWN]
    else:
        outcome, steps = Outcome.REFUSED, _STOPPED[step][StepResult.FAILED]
    until = None if presented is None else last_valid_day(presented.valid_until)
    return Verdict(outcome, reason, steps, None if known is None else known.name, claims, until, age)
