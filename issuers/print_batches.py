"""Print batches: which letters are printed together, in which order, and what became of each. Rows only, no pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from issuers.carrier_models import print_batches, print_letters
from web.many_rows import insert_many

PRINT = "print"  # the outbox's kind; subject: a batch's id
SIZE = 500  # letters in a file


class Batch(NamedTuple):
    """Times are NumericDates; `file_name` is None before it is printed, and again when the file is deleted."""

    id: int
    created_at: int
    letters: int
    campaign: int | None
    printed_at: int | None
    file_name: str | None


class BatchLetter(NamedTuple):
    """One place of a batch: whom the letter is for, and why it is written."""

    position: int
    serial: str
    occasion: str


_COLUMNS = [print_batches.c[name] for name in Batch._fields]


def file_name_of(batch: Batch) -> str:
    """With the time, because a restored database gives numbers again whose files may still be there."""
    return f"letters-{batch.id:06}-{datetime.fromtimestamp(batch.created_at, UTC):%Y%m%d-%H%M%S}.pdf"


def new_batch(connection: Connection, letters: Sequence[tuple[str, str]], campaign: int | None, now: int) -> int:
    """A batch of (serial, occasion) pairs, for good in this order; its id."""
    row = {"created_at": now, "letters": len(letters), "campaign": campaign}
    made = connection.scalar(insert(print_batches).values(row).returning(print_batches.c.id))
    rows = [
        {"batch_id": made, "position": at, "serial": serial, "occasion": occasion}
        for at, (serial, occasion) in enumerate(letters, 1)
    ]
    insert_many(connection, print_letters, rows)
    return int(made or 0)


def batch_with_letters(connection: Connection, number: int) -> tuple[Batch, list[BatchLetter]] | None:
    found = connection.execute(select(*_COLUMNS).where(print_batches.c.id == number)).one_or_none()
    if found is None:
        return None
    columns = [print_letters.c[name] for name in BatchLetter._fields]
    rows = select(*columns).where(print_letters.c.batch_id == number).order_by(print_letters.c.position)
    return Batch(*found), [BatchLetter(*row) for row in connection.execute(rows)]


def note_printed(connection: Connection, batch: Batch, codes: Mapping[int, str], *, file: bool, now: int) -> None:
    """The batch is printed, except for the letters at these positions. `file`: whether there was any other."""
    of_batch = update(print_letters).where(print_letters.c.batch_id == batch.id)
    connection.execute(of_batch.values(code=None))
    if codes:
        one = of_batch.where(print_letters.c.position == bindparam("at")).values(code=bindparam("why"))
        connection.execute(one, [{"at": at, "why": code} for at, code in codes.items()])
    printed = {"printed_at": now, "file_name": file_name_of(batch) if file else None}
    connection.execute(update(print_batches).where(print_batches.c.id == batch.id).values(printed))


def note_deleted(connection: Connection, number: int) -> None:
    connection.execute(update(print_batches).where(print_batches.c.id == number).values(file_name=None))


def with_files(connection: Connection, printed_before: int) -> list[tuple[int, str]]:
    """Batches that were printed before that second, and whose file was not deleted yet: number and file name."""
    old = (print_batches.c.printed_at < printed_before) & print_batches.c.file_name.is_not(None)
    return [(row.id, row.file_name) for row in connection.execute(select(*_COLUMNS).where(old))]


def documents(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """The newest batches as the command line shows them, newest first."""
    query = select(*_COLUMNS).order_by(print_batches.c.id.desc()).limit(limit)
    batches = [Batch(*row) for row in connection.execute(query)]
    counted = select(print_letters.c.batch_id, print_letters.c.code, func.count()).where(
        print_letters.c.batch_id.in_([batch.id for batch in batches]), print_letters.c.code.is_not(None)
    )
    left_out: dict[int, Counter[str]] = {}
    for number, code, count in connection.execute(counted.group_by(print_letters.c.batch_id, print_letters.c.code)):
        left_out.setdefault(number, Counter())[code] = count
    return [
        {
            "batch": batch.id,
            "created_at": _moment(batch.created_at),
            "letters": batch.letters,
            "left_out": dict(left_out.get(batch.id, {})),
            "campaign": batch.campaign,
            "printed_at": _moment(batch.printed_at),
            "file": batch.file_name,
        }
        for batch in batches
    ]


def _moment(second: int | None) -> str | None:
    return None if second is None else datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")
