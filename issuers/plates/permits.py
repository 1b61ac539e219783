"""Which permits a plate list says something about: those for parking that are VALID and inside their dates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from issuers.models import passes
from issuers.repository import load_claims
from walletpass.claims import plate_key
from walletpass.entitlement import ClaimValue
from walletpass.pass_type import Catalogue, Category, ClaimKind, PassType
from walletpass.status import Status

CHANGING = "changing_vehicles"  # the claim of a permit for whatever car its holder drives


@dataclass(frozen=True, slots=True)
class Permit:
    """What a plate list needs of a permit. The days are local, both included."""

    zone: str
    plates: tuple[str, ...]
    changing: bool
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class PermitsOfDay:
    """By zone: the last day of each plate (in its compare form); `unlisted` zones have permits without fixed plates."""

    plates: Mapping[str, Mapping[str, date]]
    unlisted: frozenset[str]

    def keys(self) -> set[str]:
        """Every plate, in its compare form."""
        return {key for found in self.plates.values() for key in found}

    def fingerprint(self) -> str:
        """Equal for equal contents."""
        zones = {zone: {key: last.isoformat() for key, last in found.items()} for zone, found in self.plates.items()}
        content = json.dumps([zones, sorted(self.unlisted)], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def permits(connection: Connection, catalogue: Catalogue, first: date, last: date) -> list[Permit]:
    """The permits that are VALID and run on some day from `first` to `last`."""
    found: list[Permit] = []
    for pass_type in catalogue:
        claims = {claim.kind: claim.name for claim in pass_type.claims}
        if pass_type.category is Category.PARKING and {ClaimKind.ZONE, ClaimKind.PLATES} <= claims.keys():
            found += _of_type(connection, pass_type, claims, first, last)
    return found


def _of_type(
    connection: Connection, pass_type: PassType, claims: Mapping[ClaimKind, str], first: date, last: date
) -> Iterator[Permit]:
    query = select(passes.c.claims, passes.c.valid_from, passes.c.valid_until).where(
        passes.c.type == pass_type.name,
        passes.c.status == int(Status.VALID),
        passes.c.valid_from <= last,
        passes.c.valid_until >= first,
    )
    for stored, valid_from, valid_until in connection.execute(query):
        values: Mapping[str, ClaimValue] = load_claims(stored)
        zone, plates = values.get(claims[ClaimKind.ZONE]), values.get(claims[ClaimKind.PLATES], ())
        if isinstance(zone, str) and isinstance(plates, tuple):
            yield Permit(zone, plates, values.get(CHANGING) is True, valid_from, valid_until)


def of_day(found: Collection[Permit], day: date, zones: Collection[str] = ()) -> PermitsOfDay:
    """What the list of `day` says. `zones` are there even without a permit. Of two ends for a plate the later wins."""
    plates: dict[str, dict[str, date]] = {zone: {} for zone in zones}
    unlisted = set()
    for permit in found:
        if not permit.valid_from <= day <= permit.valid_until:
            continue
        listed = plates.setdefault(permit.zone, {})
        if permit.changing or not permit.plates:
            unlisted.add(permit.zone)
        for key in map(plate_key, permit.plates):
            listed[key] = max(permit.valid_until, listed.get(key, permit.valid_until))
    return PermitsOfDay(plates, frozenset(unlisted))
