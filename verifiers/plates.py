"""Has this car a permit here? Answered from the plate list of the day, offline, and never with a guess.

An answer is `found` (zones and last days), `none`, or `undetermined` with a code. A plate is looked for as it is read
on the street, without hyphen and blanks. `O` and `Ö` are two letters; an `E` or `H` at the end belongs to the plate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from keys.trust_list import TrustList
from walletpass.claims import read_plate
from walletpass.errors import InvalidClaim
from walletpass.passes import local_day
from walletpass.plate_entries import days_left, key_check, stretched, tag
from walletpass.plate_list import PlateList


class PlateOutcome(StrEnum):
    FOUND = "found"
    NONE = "none"
    UNDETERMINED = "undetermined"


class PlateReason(StrEnum):
    """Why an answer is what it is. The words are stable and shared with the other languages."""

    LISTED = "listed"
    NOT_LISTED = "not_listed"
    TRUST_LIST_STALE = "trust_list_stale"
    PLATE_LIST_MISSING = "plate_list_missing"  # there is none of this day
    PLATE_LIST_STALE = "plate_list_stale"  # too long ago
    PLATE_KEY_MISSING = "plate_key_missing"  # we were not given this day's key
    PLATE_KEY_REPLACED = "plate_key_replaced"  # the list is under another key than ours
    ZONE_UNKNOWN = "zone_unknown"  # the list says nothing about a zone of this name


@dataclass(frozen=True, slots=True)
class PlateAnswer:
    """`permits`: zone and last valid local day, both only when found. `issued_at`: of the list (NumericDate), if any.

    `ask_for_permit`: a zone that was asked about has permits without fixed plates (changing vehicles). A car that is
    not listed may have one; ask for the permit itself.
    """

    outcome: PlateOutcome
    reason: PlateReason
    permits: tuple[tuple[str, date], ...] = ()
    ask_for_permit: bool = False
    issued_at: int | None = None


def today_and_tomorrow(now: int) -> tuple[date, date]:
    """The local days that lists and keys exist for; `now` is a NumericDate."""
    today = local_day(datetime.fromtimestamp(now, UTC))
    return today, today + timedelta(days=1)


@dataclass(frozen=True, slots=True, repr=False)
class PlateLookup:
    """All that an answer needs; never changed, only replaced. `lists` and `keys` by local day."""

    trust: TrustList | None
    lists: Mapping[date, PlateList]
    keys: Mapping[date, bytes]

    def find(self, plate: str, zones: Collection[str], now: int) -> PlateAnswer:
        """Look for a plate in these zones (none: in all) on the local day of `now`, a NumericDate.

        Raises `InvalidClaim` (`bad_plate`) for what is no licence plate.
        """
        written = _written(plate)
        day = today_and_tomorrow(now)[0]
        found, key = self.lists.get(day), self.keys.get(day)
        if self.trust is None or now >= self.trust.expires_at:
            return _undetermined(PlateReason.TRUST_LIST_STALE)
        if found is None:
            return _undetermined(PlateReason.PLATE_LIST_MISSING)
        if now >= found.expires_at:
            return _undetermined(PlateReason.PLATE_LIST_STALE, found)
        if key is None:
            return _undetermined(PlateReason.PLATE_KEY_MISSING, found)
        if key_check(key, found.nonce) != found.check:
            return _undetermined(PlateReason.PLATE_KEY_REPLACED, found)
        return _answer(found, key, written, zones)

    def day_keys(self, now: int) -> dict[date, bytes]:
        """The keys for an enrolled device: today's and tomorrow's, as far as they are here. They are secret."""
        return {day: self.keys[day] for day in today_and_tomorrow(now) if day in self.keys}


def _written(plate: str) -> str:
    """As a permit would name it. One code for all that is none: which characters exist hangs on a reader's Unicode."""
    try:
        return read_plate("plate", plate)[0]
    except InvalidClaim:
        sentence = "This is no licence plate; write it like D-AB 1234 or D-AB 1234E."
        raise InvalidClaim("plate", "bad_plate", sentence) from None


def _answer(found: PlateList, key: bytes, plate: str, zones: Collection[str]) -> PlateAnswer:
    digest = stretched(plate, found.salt, found.iterations)
    asked = sorted(set(zones) if zones else found.zones)
    known = {name: found.zones[name] for name in asked if name in found.zones}
    left = {name: days_left(zone.entries, tag(key, found.nonce, name, digest)) for name, zone in known.items()}
    permits = tuple((name, found.day + timedelta(days=days)) for name, days in left.items() if days is not None)
    ask = any(zone.unlisted for zone in known.values())
    if permits:
        return PlateAnswer(PlateOutcome.FOUND, PlateReason.LISTED, permits, ask, found.issued_at)
    if len(known) < len(asked):
        return _undetermined(PlateReason.ZONE_UNKNOWN, found)
    return PlateAnswer(PlateOutcome.NONE, PlateReason.NOT_LISTED, (), ask, found.issued_at)


def _undetermined(reason: PlateReason, found: PlateList | None = None) -> PlateAnswer:
    return PlateAnswer(PlateOutcome.UNDETERMINED, reason, issued_at=found.issued_at if found else None)
