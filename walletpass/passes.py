"""The pass: the one record of an entitlement, with its status. `pass` is a Python keyword, hence the plural."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from walletpass.entitlement import ClaimValue, Holder
from walletpass.pass_type import Claim, ClaimKind, PassType
from walletpass.status import Status, status_word

LOCAL_ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass as stored. `valid_from` and `valid_until` are whole local days, both included."""

    serial: str
    pass_type: str
    external_number: str
    status: Status
    valid_from: date
    valid_until: date
    claims: Mapping[str, ClaimValue]
    holders: tuple[Holder, ...] = (Holder(),)

    def status_word(self, today: date) -> str:
        """The word a department reads; see `status.status_word`."""
        return status_word(self.status, self.valid_from, self.valid_until, today)


def claim_value(pass_: Pass, claim: Claim) -> ClaimValue | None:
    """A declared claim's value, read from the pass or its first holder; None when it is not known."""
    if not claim.holder_field:
        return pass_.claims.get(claim.name)
    value = getattr(pass_.holders[0], claim.holder_field) if pass_.holders else None
    if isinstance(value, date):
        return value.year if claim.kind is ClaimKind.YEAR else value.isoformat()
    return value or None


def all_claims(pass_: Pass, pass_type: PassType) -> dict[str, ClaimValue]:
    """Every declared claim that has a value, by name, in the type's order."""
    pairs = ((claim.name, claim_value(pass_, claim)) for claim in pass_type.claims)
    return {name: value for name, value in pairs if value is not None}


def local_day(now: datetime) -> date:
    """The day in Düsseldorf at the instant `now` (aware)."""
    return now.astimezone(LOCAL_ZONE).date()


@lru_cache(maxsize=4096)
def first_second(day: date) -> int:
    """The first second of a local day, as a NumericDate (RFC 8392 section 2)."""
    return int(datetime.combine(day, time(), LOCAL_ZONE).timestamp())


@lru_cache(maxsize=4096)
def end_second(last_day: date) -> int:
    """The first second after the last valid local day: a credential's `exp`."""
    return first_second(last_day + timedelta(days=1))


@lru_cache(maxsize=4096)
def end_instant(last_day: date) -> datetime:
    """`end_second` as an aware UTC time."""
    return datetime.fromtimestamp(end_second(last_day), UTC)
