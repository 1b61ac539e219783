"""The answer of a check: an outcome, always with a reason, and what each of the six steps found.

No booleans: "I cannot know" is an answer of its own, and a network error is never "revoked".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from walletpass.entitlement import ClaimValue


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNDETERMINED = "undetermined"


class Step(StrEnum):
    """The six steps, in order; also the headings of docs/flow.md and the columns of the vectors."""

    SHAPE = "shape"
    SIGNATURE = "signature"
    TRUST = "trust"
    VALIDITY = "validity"
    STATUS = "status"
    HOLDER = "holder"


class StepResult(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_CHECKED = "not_checked"


class Reason(StrEnum):
    """Every reason a verdict can have. The words are stable and shared with the other languages."""

    ACCEPTED = "accepted"
    MALFORMED = "malformed"
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_TYPE = "unknown_type"
    WRONG_ISSUER = "wrong_issuer"
    KEY_NOT_ALLOWED = "key_not_allowed"
    KEY_OUTSIDE_WINDOW = "key_outside_window"
    CLAIM_INVALID = "claim_invalid"  # a claim is missing or not of the kind the type declares
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    STATUS_MISSING = "status_missing"
    STATUS_OUT_OF_RANGE = "status_out_of_range"
    STATUS_UNKNOWN_VALUE = "status_unknown_value"
    STATUS_UNAVAILABLE = "status_unavailable"
    STATUS_STALE = "status_stale"
    TRUST_LIST_STALE = "trust_list_stale"
    TYPE_UNAVAILABLE = "type_unavailable"
    CLOCK_WRONG = "clock_wrong"  # a signed list comes from the future: the clock here is behind
    BAD_PROOF = "bad_proof"
    PROOF_STALE = "proof_stale"  # a screenshot or photograph of a live code, or a clock that is wrong
    PROOF_EARLY = "proof_early"


UNDETERMINED_REASONS: frozenset[Reason] = frozenset(
    {
        Reason.STATUS_UNAVAILABLE,
        Reason.STATUS_STALE,
        Reason.TRUST_LIST_STALE,
        Reason.TYPE_UNAVAILABLE,
        Reason.CLOCK_WRONG,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an inspector sees. `steps` lists all six, in order. `claims` is empty unless the signature holds.

    `status_age_seconds` is the age of the status list used, or None when none was.
    """

    outcome: Outcome
    reason: Reason
    steps: tuple[tuple[Step, StepResult], ...]
    pass_type: str | None = None
    claims: Mapping[str, ClaimValue] | None = None
    valid_until: str | None = None
    status_age_seconds: int | None = None
