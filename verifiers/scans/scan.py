"""One scan as a device sends it: read strictly from JSON, or refused with a code. Nothing that is sent raises.

All words are closed lists and all times are rounded, so that a scan has no room for a plate, a serial or a name.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from verifiers.plates import PlateOutcome, PlateReason
from walletpass.passes import local_day
from walletpass.plate_list import ZONE
from walletpass.verdict import UNDETERMINED_REASONS, Outcome, Reason

QUARTER, MINUTE = 900, 60  # seconds
CLOCK_AHEAD = 3600  # seconds a device's clock may be ahead of ours
OLDEST = 120 * 86400  # seconds; a device locks itself after 90 days at the latest, and older counts are settled
_MEMBERS = frozenset({"nonce", "at", "kind", "outcome", "reason", "pass_type", "zone", "use"})
_USE_MEMBERS = frozenset({"day", "digest", "plate", "minute", "zone"})
_SIXTEEN_BYTES = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")  # Base64url; the last character's four low bits are none
_STANDARD = str.maketrans("-_", "+/")
_TYPE = re.compile(r"[a-z0-9_]{1,64}")


class Refusal(StrEnum):
    """Why a scan is not taken. The words are stable; the device shows them in its quarantine."""

    MALFORMED = "scan_malformed"
    FROM_FUTURE = "scan_from_future"
    TOO_OLD = "scan_too_old"
    TYPE_UNKNOWN = "scan_type_unknown"  # to this service; it may have heard of the type by the next try
    NONCE_TAKEN = "nonce_taken"  # the same nonce was sent with another content


class Use(NamedTuple):
    """A permit that was seen. Digests are keyed for `day`, a local day; `at` is a NumericDate, to the minute."""

    day: date
    digest: bytes
    plate: bytes | None
    at: int
    zone: str | None


class Scan(NamedTuple):
    """`at` is a NumericDate, rounded down to the quarter of an hour; the others are words of the published lists."""

    nonce: bytes
    at: int
    kind: str
    outcome: str
    reason: str
    pass_type: str | None
    zone: str | None
    use: Use | None

    @property
    def content(self) -> tuple[object, ...]:
        """All but the nonce and the use, in the order of the table's columns."""
        return self[1:7]


def _code_outcome(reason: Reason) -> Outcome:
    if reason is Reason.ACCEPTED:
        return Outcome.ACCEPTED
    return Outcome.UNDETERMINED if reason in UNDETERMINED_REASONS else Outcome.REFUSED


def _plate_outcome(reason: PlateReason) -> PlateOutcome:
    known = {PlateReason.LISTED: PlateOutcome.FOUND, PlateReason.NOT_LISTED: PlateOutcome.NONE}
    return known.get(reason, PlateOutcome.UNDETERMINED)


OUTCOMES: Mapping[str, Mapping[str, str]] = {
    "code": {reason.value: _code_outcome(reason).value for reason in Reason},
    "plate": {reason.value: _plate_outcome(reason).value for reason in PlateReason},
}
"""The outcome of each reason, by kind: one follows from the other."""


def read_scan(item: object, now: int, types: Collection[str]) -> Scan | Refusal:
    """What the device says of one check, at our time `now` (NumericDate); `types` are the pass types that there are."""
    if type(item) is not dict or item.keys() != _MEMBERS:
        return Refusal.MALFORMED
    nonce, at, kind, outcome, reason = item["nonce"], item["at"], item["kind"], item["outcome"], item["reason"]
    if not _is_sixteen_bytes(nonce) or type(at) is not int or at < 0 or at % QUARTER:
        return Refusal.MALFORMED
    if type(kind) is not str or type(reason) is not str or not _outcome_is(kind, reason, outcome):
        return Refusal.MALFORMED
    pass_type, zone, use = item["pass_type"], item["zone"], None
    if not _is_none_or(_TYPE, pass_type) or not _is_none_or(ZONE, zone):
        return Refusal.MALFORMED
    if pass_type is not None and pass_type not in types:
        return Refusal.TYPE_UNKNOWN
    if at > now + CLOCK_AHEAD:
        return Refusal.FROM_FUTURE
    if at < now - OLDEST:
        return Refusal.TOO_OLD
    if item["use"] is not None and (use := _read_use(item["use"], at, kind)) is None:
        return Refusal.MALFORMED
    return Scan(_sixteen_bytes(nonce), at, kind, outcome, reason, pass_type, zone, use)


def read_nonce(value: object) -> bytes | None:
    """The 16 bytes of canonical Base64url (RFC 7515 section 2), or None."""
    return _sixteen_bytes(str(value)) if _is_sixteen_bytes(value) else None


def nonce_text(nonce: bytes) -> str:
    """The inverse of `read_nonce`."""
    return urlsafe_b64encode(nonce).decode().rstrip("=")


def _is_sixteen_bytes(value: object) -> bool:
    return type(value) is str and _SIXTEEN_BYTES.fullmatch(value) is not None


def _sixteen_bytes(text: str) -> bytes:
    return a2b_base64(text.translate(_STANDARD) + "==")


def _is_none_or(pattern: re.Pattern[str], value: object) -> bool:
    return value is None or (type(value) is str and pattern.fullmatch(value) is not None)


def _outcome_is(kind: str, reason: str, outcome: object) -> bool:
    return kind in OUTCOMES and reason in OUTCOMES[kind] and OUTCOMES[kind][reason] == outcome


def _read_use(found: Any, at: int, kind: str) -> Use | None:
    """A use belongs to a code, and its minute to the scan's quarter: there is no second time to lie about."""
    if type(found) is not dict or found.keys() != _USE_MEMBERS or kind != "code":
        return None
    digest, plate, minute, zone = found["digest"], found["plate"], found["minute"], found["zone"]
    if type(minute) is not int or minute % MINUTE or not at <= minute < at + QUARTER:
        return None
    if not _is_sixteen_bytes(digest) or not (plate is None or _is_sixteen_bytes(plate)) or not _is_none_or(ZONE, zone):
        return None
    day, written = _local_day(minute)
    return Use(day, _sixteen_bytes(digest), read_nonce(plate), minute, zone) if found["day"] == written else None


@lru_cache(maxsize=4096)
def _local_day(minute: int) -> tuple[date, str]:
    day = local_day(datetime.fromtimestamp(minute, UTC))
    return day, day.isoformat()
