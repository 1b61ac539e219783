"""Which reminder the end of a pass has reached: a rule of days alone, so that phones, mail and letters say the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from walletpass.pass_type import Catalogue
from walletpass.passes import Pass
from walletpass.status import Status


def reminder_days(catalogue: Catalogue, overriding: Mapping[str, Collection[int]]) -> dict[str, tuple[int, ...]]:
    """By type: the days before the end, fewest first. Raises `UnknownPassType` for a name that is no type's."""
    for name in overriding:
        catalogue.named(name)
    return {found.name: tuple(sorted(set(overriding.get(found.name, found.look.reminder_days)))) for found in catalogue}


def reached(valid_from: date, valid_until: date, today: date, days: Collection[int]) -> int | None:
    """The nearest of `days` that the end has come to; None when there is none, or when the pass is over.

    A pass that runs for a week was no surprise to anybody: what is no shorter than the whole of it is left out.
    """
    left, whole = (valid_until - today).days, (valid_until - valid_from).days
    return min((day for day in days if 0 <= left <= day < whole), default=None)


def reminder_of(pass_: Pass, today: date, days: Collection[int]) -> int | None:
    """What a pass's carriers show: the reminder its end has come to, as long as it is valid."""
    if pass_.status is not Status.VALID:
        return None
    return reached(pass_.valid_from, pass_.valid_until, today, days)
