"""A pass as one wallet carries it: which copy is alive, and the name and secret that the wallet knows it by."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, case, exists, func, select, update

from issuers.carrier_models import copies, counters
from issuers.models import credentials
from web.database import insert_missing
from web.many_rows import among, insert_many


@dataclass(frozen=True, slots=True)
class Copy:
    """`number` rises from 1; `secret` is what the carrier proves itself with; times are NumericDates."""

    id: int
    serial: str
    carrier: str
    number: int
    secret: str
    created_at: int
    changed_at: int
    ended_at: int | None

    @property
    def name(self) -> str:
        """What the wallet calls it: the pass's serial, with the number from the second copy on."""
        return name_of(self.serial, self.number)


_NUMBER = re.compile(r"[1-9][0-9]{0,10}")  # after a restore it is a second since 1970
_NUMBERED_AFTER = "copies"  # a counter: all numbers up to it may have been given out
_COLUMNS = [copies.c[name] for name in Copy.__dataclass_fields__]


def name_of(serial: str, number: int) -> str:
    return serial if number == 1 else f"{serial}-{number}"


def by_id(connection: Connection, ids: Collection[int]) -> list[Copy]:
    """These copies as they are now."""
    return [Copy(*row) for row in connection.execute(select(*_COLUMNS).where(among(connection, copies.c.id, ids)))]


def live(connection: Connection, serials: Collection[str], carrier: str) -> dict[str, Copy]:
    """The living copies of these passes in a carrier, by serial."""
    query = select(*_COLUMNS).where(
        among(connection, copies.c.serial, serials), copies.c.carrier == carrier, copies.c.ended_at.is_(None)
    )
    return {row.serial: Copy(*row) for row in connection.execute(query)}


def all_of(connection: Connection, serials: Collection[str], carrier: str) -> list[Copy]:
    """All copies of these passes in a carrier, those that have ended too."""
    of_carrier = among(connection, copies.c.serial, serials) & (copies.c.carrier == carrier)
    return [Copy(*row) for row in connection.execute(select(*_COLUMNS).where(of_carrier).order_by(copies.c.id))]


def ensure(connection: Connection, serials: Collection[str], carrier: str, now: int) -> dict[str, Copy]:
    """The living copies, made where there is none; the caller's transaction has locked the passes."""
    found = live(connection, serials, carrier)
    missing = [serial for serial in dict.fromkeys(serials) if serial not in found]
    if not missing:
        return found
    counted = select(copies.c.serial, func.max(copies.c.number)).where(
        among(connection, copies.c.serial, missing), copies.c.carrier == carrier
    )
    before = {row[0]: row[1] for row in connection.execute(counted.group_by(copies.c.serial))}
    after = connection.scalar(select(counters.c.value).where(counters.c.name == _NUMBERED_AFTER)) or 0
    _add(connection, {serial: max(before.get(serial, 0), after) + 1 for serial in missing}, carrier, now)
    return found | live(connection, missing, carrier)


def _add(connection: Connection, numbers: Mapping[str, int], carrier: str, now: int) -> None:
    """New copies: of each serial the one with that number."""
    rows = [
        {
            "serial": serial,
            "carrier": carrier,
            "number": number,
            "secret": secrets.token_urlsafe(32),
            "created_at": now,
            "changed_at": now,
            "tag": 0,
        }
        for serial, number in numbers.items()
    ]
    insert_many(connection, copies, rows)


def number_anew(connection: Connection, now: int) -> None:
    """From here on numbers are greater than `now`: the database was restored, and has forgotten some that it gave out.

    What bears such a number may be in a phone that was lost since. Another copy of that name would be shown there: a
    name is all that Google knows a copy by. The time is past all that were given out, also after an earlier restore
    from the same backup.
    """
    next_number(connection, _NUMBERED_AFTER, now)


def named(connection: Connection, carrier: str, name: str) -> Copy | None:
    """The copy that the wallet calls so, alive or ended."""
    serial, _, number = name.partition("-")
    if number and not _NUMBER.fullmatch(number):
        return None
    query = select(*_COLUMNS).where(
        copies.c.serial == serial, copies.c.carrier == carrier, copies.c.number == int(number or "1")
    )
    row = connection.execute(query).one_or_none()
    found = None if row is None else Copy(*row)
    return found if found and found.name == name else None


def end(connection: Connection, serial: str, carrier: str, now: int) -> None:
    """The living copy, if there is one, lives no longer: its phone was lost.

    What an older version offered is no row here, but in that phone under the first copy's name: that one ends.
    """
    of_carrier = (copies.c.serial == serial) & (copies.c.carrier == carrier)
    offered = exists().where(credentials.c.serial == serial, credentials.c.carrier == carrier)
    if connection.scalar(select(offered & ~exists().where(of_carrier))):
        _add(connection, {serial: 1}, carrier, now)
    # Not before it changed last, even if the clock went back: else its carrier would seem to know of the end already.
    ended = case((copies.c.changed_at > now, copies.c.changed_at), else_=now)
    connection.execute(update(copies).where(of_carrier, copies.c.ended_at.is_(None)).values(ended_at=ended))


def touch(connection: Connection, ids: Collection[int], counter: str, now: int) -> int:
    """Mark copies as changed with the next number of a counter, which is returned.

    The counter's row stays locked until the commit: whoever reads a number has seen all smaller ones. It is never
    behind the clock, so that numbers given out before a backup was restored are not given out again. `changed_at`
    rises with each change, even within a second or when the clock was set back.
    """
    number = next_number(connection, counter, now * 1000)
    rising = case((copies.c.changed_at < now, now), else_=copies.c.changed_at + 1)
    connection.execute(update(copies).where(among(connection, copies.c.id, ids)).values(tag=number, changed_at=rising))
    return number


def next_number(connection: Connection, counter: str, least: int = 0) -> int:
    """The counter raised by one, or to `least` where that is more."""
    above = counters.c.value + 1
    raised = update(counters).where(counters.c.name == counter)
    raised = raised.values(value=case((above < least, least), else_=above))
    number = connection.scalar(raised.returning(counters.c.value))
    if number is None:
        insert_missing(connection, counters, {"name": counter, "value": 0})
        number = connection.scalar(raised.returning(counters.c.value))
    return int(number or 0)
