"""`print`: makes the file of a print batch. Repeated, it makes the same letters in the same order.

A letter that is not true any more, or cannot be printed, is left out with a code; the others are printed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime

import structlog
from sqlalchemy import Connection, select

from issuers import repository
from issuers.models import credentials
from issuers.notices import RENEWED
from issuers.occasions import Occasion, UnknownOccasion, read_occasion
from issuers.office import Office
from issuers.outbox import Errand, Report
from issuers.print_batches import (
    PRINT,
    Batch,
    BatchLetter,
    batch_with_letters,
    file_name_of,
    note_printed,
)
from issuers.printed_files import write_printed
from issuers.wallets import CarriedPass
from issuers.wallets.paper import PAPER
from issuers.wallets.paper.letter import letter
from issuers.wallets.paper.press import NOT_PRINTABLE, Sheets, print_apart
from walletpass.errors import UnknownPassType
from walletpass.passes import Pass, end_instant, local_day
from walletpass.status import Status
from web.database import read_transaction, write_transaction
from web.many_rows import among

ACTOR = "printing"
_NO_PHONES = {PAPER, "qr"}  # carriers that no phone keeps current
_LOG = structlog.get_logger("walletpass.printing")


class PrintTask:
    """One file at a time and worker."""

    kind, batch, lease, alone = PRINT, 1, 900, False

    def __init__(self, office: Office) -> None:
        self._office = office

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        for errand in errands:
            with read_transaction(report.engine) as connection:
                found = batch_with_letters(connection, int(errand.subject))
            if found is None:
                report.failed([errand.id], "unknown_batch")
            elif found[0].printed_at is not None:
                report.done([errand.id])
            else:
                self._print(*found, errand, report)

    def _print(self, batch: Batch, letters: Sequence[BatchLetter], errand: Errand, report: Report) -> None:
        written_at = datetime.fromtimestamp(batch.created_at, UTC)
        places, codes = self._true_ones(letters, report)
        carried = self._carried(places, report)
        settings = self._office.settings
        sheets = [letter(carried[at], settings, written_at, occasion) for at, (_, occasion) in places.items()]
        report.keep()
        title = f"{settings.city_name}: {file_name_of(batch).removesuffix('.pdf')}"
        body, left_out = print_apart(Sheets(title, settings.city_name, sheets, batch.created_at))
        codes |= {list(places)[index]: NOT_PRINTABLE for index in left_out}
        if body:
            write_printed(self._office, file_name_of(batch), body)
        with write_transaction(report.engine) as connection:
            note_printed(connection, batch, codes, file=bool(body), now=int(self._office.seconds()))
            report.done([errand.id], connection)
        _LOG.info("letters_printed", batch=batch.id, letters=len(letters) - len(codes), left_out=len(codes))

    def _true_ones(
        self, letters: Sequence[BatchLetter], report: Report
    ) -> tuple[dict[int, tuple[Pass, Occasion]], dict[int, str]]:
        """By position: what is still to be told; and why the others are not."""
        today = local_day(self._office.now())
        with read_transaction(report.engine) as connection:
            passes = repository.by_serial(connection, {found.serial for found in letters})
        places: dict[int, tuple[Pass, Occasion]] = {}
        codes: dict[int, str] = {}
        for at, serial, detail in letters:
            pass_ = passes.get(serial)
            try:
                occasion = read_occasion(detail)
            except UnknownOccasion as failure:
                codes[at] = failure.code
                continue
            why = "unknown_serial" if pass_ is None else self._why_not(pass_, occasion, today)
            if why or pass_ is None:
                codes[at] = why or ""
            else:
                places[at] = (pass_, occasion)
        return places, codes

    def _why_not(self, pass_: Pass, occasion: Occasion, today: date) -> str | None:
        if not self._office.catalogue.knows(pass_.pass_type):  # switched off: the others' letters are printed
            return UnknownPassType.code
        return occasion.why_not(pass_, today) or _unreachable(pass_)

    def _carried(self, places: Mapping[int, tuple[Pass, Occasion]], report: Report) -> dict[int, CarriedPass]:
        """By position: the pass, with its code where the letter brings a card: after a renewal, for who needs paper."""
        renewed = {pass_.serial for pass_, occasion in places.values() if occasion == read_occasion(RENEWED)}
        with read_transaction(report.engine) as connection:
            serials = sorted(_in_need_of_paper(connection, renewed, int(self._office.seconds())))
        with_card = self._office.carry(serials, PAPER, self._office.order(ACTOR)) if serials else []
        texts = {carried.pass_.serial: carried.qr_text for carried in with_card}
        found = {}
        for at, (pass_, occasion) in places.items():
            text = texts.get(pass_.serial, "") if occasion == read_occasion(RENEWED) else ""
            pass_type = self._office.catalogue.named(pass_.pass_type)
            found[at] = CarriedPass(pass_, pass_type, text, end_instant(pass_.valid_until))
        return found

    def close(self) -> None:
        pass


def _unreachable(pass_: Pass) -> str | None:
    holder = pass_.holders[0] if pass_.holders else None
    return None if holder and holder.street and holder.city else "no_postal_address"


def _in_need_of_paper(connection: Connection, serials: Collection[str], now: int) -> set[str]:
    """Those that are on paper, and those that no phone has."""
    live = (credentials.c.effective_status == int(Status.VALID)) & (credentials.c.valid_until > now)
    query = select(credentials.c.serial, credentials.c.carrier).where(
        among(connection, credentials.c.serial, serials), live
    )
    carriers: dict[str, set[str]] = {serial: set() for serial in serials}
    for serial, carrier in connection.execute(query.distinct()):
        carriers[serial].add(carrier)
    return {serial for serial, has in carriers.items() if PAPER in has or not has - _NO_PHONES}


def build(office: Office) -> PrintTask:
    return PrintTask(office)
