"""The status of a pass or credential: the values of a Token Status List, and the changes that are allowed.

Source: draft-ietf-oauth-status-list, section 7.1 (values); European ARF: revocation is final.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum

from walletpass.errors import TransitionNotAllowed


class Status(IntEnum):
    """A value in a Token Status List. INVALID is final; "revoked" is the word on screens."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


TRANSITIONS: frozenset[tuple[Status, Status]] = frozenset(
    {
        (Status.VALID, Status.SUSPENDED),
        (Status.SUSPENDED, Status.VALID),
        (Status.VALID, Status.INVALID),
        (Status.SUSPENDED, Status.INVALID),
    }
)

_SEVERITY = {Status.VALID: 0, Status.SUSPENDED: 1, Status.INVALID: 2}
WORDS = {Status.VALID: "valid", Status.INVALID: "revoked", Status.SUSPENDED: "suspended"}


def require_transition(old: Status, new: Status) -> None:
    """Raise `TransitionNotAllowed` unless `old` → `new` is listed in `TRANSITIONS`."""
    if (old, new) in TRANSITIONS:
        return
    if old is new:
        raise TransitionNotAllowed(f"The pass is already {WORDS[old]}; nothing was changed.")
    if old is Status.INVALID:
        raise TransitionNotAllowed("The pass is revoked, which is final; issue a new pass instead.")
    raise TransitionNotAllowed(f"A pass that is {WORDS[old]} cannot become {WORDS[new]}.")


def worse(one: Status, other: Status) -> Status:
    """The effective status of a credential: the worse of its own and its pass's."""
    return max(one, other, key=_SEVERITY.__getitem__)


def status_word(status: Status, valid_from: date, valid_until: date, today: date) -> str:
    """The word a department reads: `revoked`, `suspended`, `expired`, `not_yet_valid` or `valid`, in that order.

    Dates are whole local days; `valid_until` is the last valid day.
    """
    if status is not Status.VALID:
        return WORDS[status]
    if today > valid_until:
        return "expired"
    return "not_yet_valid" if today < valid_from else "valid"
