"""Reminding holders of the end of their passes, by a change on their phones and by mail or a letter: each once.

Safe to run at any time, twice, and by several workers at once: a reminder is given by whoever puts its row into
`reminders`, in one transaction with what follows from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import structlog
from sqlalchemy import Connection, TextClause, exists, select, tuple_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from issuers import lifecycle
from issuers.carrier_models import reminders
from issuers.lifecycle import Order
from issuers.models import IS_VALID, NOT_FINAL, passes
from issuers.notices import REMINDER, tell_holders
from issuers.office import Office
from issuers.reminder_days import reached
from walletpass.passes import local_day
from web.database import read_transaction, write_transaction

ACTOR = "reminders"
PAGE = 500  # passes in one transaction
_LOG = structlog.get_logger("walletpass.reminders")
Ending = tuple[str, date, date]  # serial, first day, last day
Reads = Callable[[], AbstractContextManager[Connection]]


def give_reminders(office: Office) -> Counter[str]:
    """Give all reminders that are due today; how many, and how their holders are told.

    A day that was missed is made up for: what has been reached is given once, the nearest only.
    """
    given = Counter[str]()
    for day, page in _reached(office, partial(read_transaction, office.engine), IS_VALID):
        given.update(_give(office, page, day))
    if given:
        _LOG.info("reminders_given", **given)
    return given


def take_for_given(connection: Connection, office: Office, order: Order) -> int:
    """Put down all reminders that are due today, and tell nobody; how many. For a database that was restored: it does
    not know who was told since. Suspended passes are among them, for they may be reinstated.
    """
    due = _reached(office, lambda: nullcontext(connection), NOT_FINAL)
    return sum(len(_put_down(connection, page, day, order)) for day, page in due)


def _reached(office: Office, reads: Reads, which: TextClause) -> Iterator[tuple[int, list[Ending]]]:
    """Days before the end, and passes that are still to be reminded that so many are left."""
    for name, days in office.reminder_days.items():
        for before, day in pairwise((-1, *days)):
            for page in filter(None, _pages(office, reads, which, name, (before, day))):
                yield day, page


def _pages(
    office: Office, reads: Reads, which: TextClause, pass_type: str, span: tuple[int, int]
) -> Iterator[list[Ending]]:
    """Passes whose end is more days away than the first of `span`, and no more than the second."""
    before, day = span
    today = local_day(office.now())
    first, last = today + timedelta(days=before + 1), today + timedelta(days=day)
    after: tuple[date, str] = (first, "")
    columns = (passes.c.serial, passes.c.valid_from, passes.c.valid_until)
    given = exists().where(
        reminders.c.serial == passes.c.serial,
        reminders.c.valid_until == passes.c.valid_until,
        reminders.c.days <= day,  # a clock that went back reminds nobody of what was nearer already
    )
    place = tuple_(passes.c.valid_until, passes.c.serial)
    query = select(*columns).where(passes.c.type == pass_type, which, passes.c.valid_until <= last, ~given)
    query = query.order_by(passes.c.valid_until, passes.c.serial).limit(PAGE)
    while True:
        with reads() as connection:
            found = [
                tuple(row) for row in connection.execute(query.where(passes.c.valid_until >= first, place > after))
            ]
        if not found:
            return
        yield [row for row in found if reached(row[1], row[2], today, (day,)) == day]
        after = (found[-1][2], found[-1][0])


def _give(office: Office, page: Sequence[Ending], day: int) -> Counter[str]:
    order, settings = office.order(ACTOR), office.settings
    with write_transaction(office.engine) as connection:
        serials = _put_down(connection, page, day, order)
        lifecycle.tell_carriers(connection, serials, order)
        told = tell_holders(
            connection,
            serials,
            f"{REMINDER}{day}",
            settings.reminders_inform,
            order,
            mail_possible=settings.sends_mail,
        )
    return told + Counter(reminders=len(serials))


def _put_down(connection: Connection, page: Sequence[Ending], day: int, order: Order) -> Collection[str]:
    """The rows that say so; the serials of those that nobody else has put down."""
    own_insert: Callable[..., Any] = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    rows = [
        {"serial": serial, "valid_until": until, "days": day, "given_at": order.seconds} for serial, _, until in page
    ]
    statement = own_insert(reminders).values(rows).on_conflict_do_nothing().returning(reminders.c.serial)
    return list(connection.scalars(statement))
