"""What a device is for: which types of pass, which zones, and when. An empty list means all, no shift always.

A shift is days of the week and two local times: `12345 06:00-22:00` is Monday to Friday (ISO 8601 numbers). One that
ends before it begins runs over midnight and belongs to the day on which it began. It is compared with the clock on the
wall, as the device does (`app/shift.js`), so that both agree in the nights when the clock is changed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from verifiers.devices.errors import DeviceInvalid
from verifiers.devices.tables import PASS_TYPES, ZONES
from walletpass.claims import read_zone
from walletpass.errors import InvalidClaim
from walletpass.passes import LOCAL_ZONE

_SHIFT = re.compile(r"([1-7]{1,7}) ([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Shift:
    """`days` 1 (Monday) to 7; `begins` and `ends` are minutes of the local day; equal: 24 hours."""

    days: frozenset[int]
    begins: int
    ends: int

    def covers(self, now: int) -> bool:
        """Whether the instant `now` (NumericDate) lies in a shift; its first minute does, the one it ends at not."""
        local = datetime.fromtimestamp(now, UTC).astimezone(LOCAL_ZONE)
        today, minute = local.isoweekday(), local.hour * 60 + local.minute
        yesterday = (today - 2) % 7 + 1
        if self.begins < self.ends:
            return today in self.days and self.begins <= minute < self.ends
        return (today in self.days and minute >= self.begins) or (yesterday in self.days and minute < self.ends)

    def __str__(self) -> str:
        days = "".join(str(day) for day in sorted(self.days))
        return f"{days} {_clock(self.begins)}-{_clock(self.ends)}"

    def document(self) -> dict[str, object]:
        """As devices are told."""
        return {"days": sorted(self.days), "from": _clock(self.begins), "until": _clock(self.ends)}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a device may check, where and when. `pass_types` and `zones` are sorted; empty: all. No shift: always."""

    pass_types: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    shift: Shift | None = None

    def on_duty(self, now: int) -> bool:
        """Whether the device is to work at `now`, a NumericDate."""
        return self.shift is None or self.shift.covers(now)

    def includes_any(self, pass_types: Iterable[str]) -> bool:
        """Whether the device may check at least one of these types."""
        return any(not self.pass_types or name in self.pass_types for name in pass_types)


def read_scope(pass_types: Collection[str] = (), zones: Collection[str] = (), shift: str = "") -> Scope:
    """The scope in these words; raises `DeviceInvalid`. Whether a type exists is for the caller to know."""
    names = sorted({name.strip() for name in pass_types})
    if not all(_TYPE.fullmatch(name) for name in names) or len(" ".join(names)) > PASS_TYPES:
        raise DeviceInvalid("The types of pass are names such as resident_parking_permit; leave them out for all.")
    try:
        found = sorted({read_zone("zone", zone) for zone in zones})
    except InvalidClaim as refusal:
        raise DeviceInvalid(refusal.sentence) from None
    if len(" ".join(found)) > ZONES:
        raise DeviceInvalid("These are more zones than a device can have; leave them out for all.")
    return Scope(tuple(names), tuple(found), read_shift(shift))


def read_shift(text: str) -> Shift | None:
    """`12345 06:00-22:00` as a shift, empty as none; raises `DeviceInvalid`."""
    if not text.strip():
        return None
    found = _SHIFT.fullmatch(text.strip())
    if found is None:
        raise DeviceInvalid("A shift is days and times such as 12345 06:00-22:00, with 1 for Monday and 7 for Sunday.")
    begins, ends = int(found[2]) * 60 + int(found[3]), int(found[4]) * 60 + int(found[5])
    return Shift(frozenset(map(int, found[1])), begins, ends)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
