"""The pass: the one record of an entitlement, with its status. `pass` is a Python keyword, hence the plural."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
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


def first_instant(day: date) -> datetime:
    """The first instant of a local day, as an aware UTC time."""
    return datetime.combine(day, time(), LOCAL_ZONE).astimezone(ZoneInfo("UTC"))


def end_instant(last_day: date) -> datetime:
    """The first instant after the last valid local day: a credential's `exp`."""
    return first_instant(last_day + timedelta(days=1))
