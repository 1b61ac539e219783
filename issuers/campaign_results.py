"""How far a campaign is, in figures; and what became of each row of its list, as a file for a department's desk."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, case, func, literal, select

from issuers import campaigns
from issuers.campaigns import CANCELLED_CODE, FAILED_ROW, MESSAGES, Campaign, State
from issuers.carrier_models import campaign_rows, print_batches, print_letters
from issuers.lifecycle import UPDATE_CARRIERS, Change
from issuers.models import outbox, passes
from issuers.notices import LETTER, MAIL, Inform
from issuers.occasions import TRUE_NO_LONGER
from issuers.outbox import IS_PARKED
from issuers.print_batches import PRINT
from web.database import read_transaction
from web.many_rows import among

OUTCOMES = (*(change.value for change in Change), FAILED_ROW)
STANDINGS = ("done", "open", "failed", "cancelled", "outdated")
_PAGE = 500  # rows of the result that are in memory at once
_UPDATES = {"Apple Wallet": "update-apple", "Google Wallet": "update-google"}
_COLUMNS = {**_UPDATES, "E-Mail": MAIL, "Brief": LETTER}  # heading → kind of outbox row
_HEADER = ("Zeile", "Nummer", "Seriennummer", "Ergebnis", "Grund", "Spalte", *_COLUMNS)
_WORDS = {"created": "neu", "renewed": "verlängert", "updated": "geändert", "unchanged": "unverändert",
          "failed": "fehlgeschlagen"}  # fmt: skip
_TOLD = {MAIL: "gesendet", LETTER: "gedruckt"}  # else: informiert
Standing = tuple[str, str | None]  # one of STANDINGS, and a code
_BOM = "\ufeff"
_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def document(connection: Connection, found: Campaign) -> dict[str, Any]:
    """A campaign as the command line and the API show it; nothing personal."""
    counts = dict.fromkeys(OUTCOMES, 0)
    query = select(campaign_rows.c.outcome, func.count()).where(campaign_rows.c.campaign_id == found.id)
    for outcome, count in connection.execute(query.group_by(campaign_rows.c.outcome)):
        counts[outcome] = count
    shown = brief(found)
    return shown | {"rows": shown["rows"] | counts, "messages": _messages(connection, found)}


def brief(found: Campaign) -> dict[str, Any]:
    """The same without what takes counting."""
    return {
        "id": found.id,
        "name": found.name,
        "type": found.type,
        "state": found.state.value,
        "code": found.code,
        "inform": found.inform.value,
        "actor": found.actor,
        "created_at": found.created_at,
        "changed_at": found.changed_at,
        "rows": {"total": found.total, "done": found.position},
    }


def _messages(connection: Connection, found: Campaign) -> dict[str, dict[str, int]]:
    """By kind of outbox row: how many stand how."""
    standing = _standing(found.state).label("standing")
    query = select(outbox.c.kind, standing, func.count()).where(outbox.c.campaign == found.id)
    told: dict[str, dict[str, int]] = {}
    for kind, stands, count in connection.execute(query.group_by(outbox.c.kind, standing)):
        told.setdefault(kind, dict.fromkeys(STANDINGS, 0))[stands] = count
    letters = select(print_letters.c.batch_id, print_letters.c.code, func.count()).join_from(
        print_letters, print_batches
    )
    letters = letters.where(print_batches.c.campaign == found.id)
    batches = _batches(connection, found)
    for batch, code, count in connection.execute(letters.group_by(print_letters.c.batch_id, print_letters.c.code)):
        told[LETTER]["done"] -= count
        told[LETTER][_letter(batches, batch, code)[0]] += count
    return dict(sorted(told.items()))


def _standing(state: State) -> Any:
    """A message of a cancelled campaign that is parked was in a worker's hands then, and nobody takes it up again."""
    given_up = outbox.c.code == CANCELLED_CODE
    if state is State.CANCELLED:
        given_up |= outbox.c.done_at.is_(None) & outbox.c.kind.in_(MESSAGES) & IS_PARKED
    return case(
        (outbox.c.failed_at.is_not(None), literal("failed")),
        (given_up, literal("cancelled")),
        (outbox.c.done_at.is_not(None) & outbox.c.code.is_not(None), literal("outdated")),
        (outbox.c.done_at.is_not(None), literal("done")),
        else_=literal("open"),
    )


def result(engine: Engine, number: int) -> Iterator[bytes]:
    """What became of each row: CSV for a spreadsheet (UTF-8 with a byte order mark, semicolons), page by page.

    Unlike a file of failed rows it is not imported again, so a cell that a spreadsheet would take for a formula gets
    an apostrophe in front. Raises `UnknownCampaign` at the first step.
    """
    yield (_BOM + _lines([_HEADER])).encode()
    line = 0
    while True:
        with read_transaction(engine) as connection:
            rows = _page(connection, number, line)
            found = _described(connection, campaigns.one(connection, number), rows)
        if not rows:
            return
        line = rows[-1].line
        yield _lines(found).encode()


def _page(connection: Connection, number: int, after: int) -> Sequence[Any]:
    listed = func.coalesce(passes.c.external_number, campaign_rows.c.list_number)
    columns = (campaign_rows.c.line, listed, campaign_rows.c.serial)
    became = (campaign_rows.c.outcome, campaign_rows.c.code, campaign_rows.c.list_column)
    query = select(*columns, *became).outerjoin_from(campaign_rows, passes, passes.c.serial == campaign_rows.c.serial)
    of_page = (campaign_rows.c.campaign_id == number) & (campaign_rows.c.line > after)
    return connection.execute(query.where(of_page).order_by(campaign_rows.c.line).limit(_PAGE)).all()


def _described(connection: Connection, found: Campaign, rows: Sequence[Any]) -> list[list[str]]:
    query = select(outbox.c.subject, outbox.c.kind, _standing(found.state), outbox.c.code).where(
        outbox.c.campaign == found.id, among(connection, outbox.c.subject, [row.serial for row in rows if row.serial])
    )
    told: dict[tuple[str, str], Standing] = {}
    for serial, kind, stands, code in connection.execute(query):
        told[serial, kind] = (stands, code)
    told |= _letters(connection, found, [serial for serial, kind in told if kind == LETTER])
    carriers = [_cells(told, row, found.inform) for row in rows]
    return [
        [str(line), _safe(number), serial or "", _WORDS[outcome], code, _safe(column), *own]
        for (line, number, serial, outcome, code, column), own in zip(rows, carriers, strict=True)
    ]


def _letters(connection: Connection, found: Campaign, serials: Sequence[str]) -> dict[tuple[str, str], Standing]:
    """How those letters stand that are in a print batch: as their batch does, unless one was left out."""
    columns = (print_letters.c.serial, print_letters.c.batch_id, print_letters.c.code)
    letters = select(*columns).join_from(print_letters, print_batches)
    letters = letters.where(print_batches.c.campaign == found.id, among(connection, print_letters.c.serial, serials))
    batches = _batches(connection, found)
    return {
        (serial, LETTER): _letter(batches, batch, code) for serial, batch, code in connection.execute(letters).all()
    }


def _batches(connection: Connection, found: Campaign) -> dict[int, Standing]:
    """How each print batch of a campaign stands that has a file, or waits for it."""
    jobs = select(outbox.c.subject, _standing(found.state), outbox.c.code).where(
        outbox.c.campaign == found.id, outbox.c.kind == PRINT
    )
    batches = {int(batch): (stands, code) for batch, stands, code in connection.execute(jobs)}
    printed = print_batches.c.printed_at.is_not(None) & (print_batches.c.campaign == found.id)
    return batches | dict.fromkeys(connection.scalars(select(print_batches.c.id).where(printed)), ("done", None))


def _letter(batches: Mapping[int, Standing], batch: int, code: str | None) -> Standing:
    """A letter stands as its batch does, unless one with a `code` was left out."""
    if code is None:
        return batches.get(batch, ("open", None))
    return ("outdated" if code in TRUE_NO_LONGER else "failed", code)


def _cells(told: Mapping[tuple[str, str], Standing], row: Any, inform: Inform) -> list[str]:
    """What each carrier was told; and that a holder was not, who should have been."""
    cells = {kind: _told(told, row.serial, kind) for kind in _COLUMNS.values()}
    if row.outcome == Change.RENEWED and inform is not Inform.NONE and not (cells[MAIL] or cells[LETTER]):
        cells[MAIL if inform is Inform.MAIL else LETTER] = "nicht informiert"
    return list(cells.values())


def _told(told: Mapping[tuple[str, str], Standing], serial: str | None, kind: str) -> str:
    stands, code = told.get((serial or "", kind), ("", None))
    if not stands and kind in _UPDATES.values() and told.get((serial or "", UPDATE_CARRIERS), ("",))[0] == "open":
        stands = "open"  # whether this wallet carries the pass is still to be looked up
    words = {"": "", "done": _TOLD.get(kind, "informiert"), "open": "wartet", "cancelled": "abgebrochen"}
    return words.get(stands, f"{'entfallen' if stands == 'outdated' else 'fehlgeschlagen'} ({code})")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_BEGINS_A_FORMULA) else cell


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue()
