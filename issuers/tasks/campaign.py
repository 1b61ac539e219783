"""`campaign`: the stored list of a campaign becomes passes, a chunk in each transaction.

A chunk's passes, its notes, what is told because of it and the new position are there together, or not at all, and only
while the campaign runs and nobody else has done the chunk: whoever is killed loses nothing, and nothing is done twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from issuers import campaigns
from issuers.campaigns import CAMPAIGN, Campaign, State
from issuers.import_report import Outcome
from issuers.importing import BATCH, Import, batched
from issuers.lifecycle import Change, Order
from issuers.models import passes
from issuers.notices import RENEWED, tell_holders
from issuers.office import Office
from issuers.outbox import Errand, Report
from issuers.sources.csv_file import SourceFile
from issuers.sources.entitlements import SourceRow, read_rows
from issuers.sources.errors import RowFailure, SourceRefused
from issuers.uploads import upload
from walletpass.passes import local_day
from walletpass.status import Status
from web.database import read_transaction, write_transaction
from web.many_rows import among

_STEP = 50_000  # rows that are read over before the lease is renewed
_ATTEMPTS = 5  # at a chunk whose numbers others take meanwhile


class CampaignTask:
    """One list at a time in each worker; what follows from it, all workers do."""

    kind, batch, lease, alone = CAMPAIGN, 1, 120, False

    def __init__(self, office: Office) -> None:
        self._office = office

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        for errand in errands:
            number = int(errand.subject)
            with write_transaction(report.engine) as connection:
                found = campaigns.one(connection, number, lock=True)
                if found.state not in (State.RUNNING, State.CANCELLED):
                    report.done([errand.id], connection)  # who resumes it, calls again
            if found.state is State.CANCELLED:
                self._settle(number, errand, report)
            elif found.state is State.RUNNING:
                self._read(_Reading(found, errand, report))

    def close(self) -> None:
        pass

    def _settle(self, number: int, errand: Errand, report: Report) -> None:
        """What others held when the campaign was cancelled is sent by now, or never."""
        with write_transaction(report.engine) as connection:
            left = campaigns.settle_messages(connection, number, int(self._office.seconds()))
            if not left:
                report.done([errand.id], connection)
        if left:
            report.put_off([errand], "held", campaigns.HAND_OVER)

    def _read(self, reading: _Reading) -> None:
        code = ""
        with upload(self._office.settings.issuer_home) as file:
            with read_transaction(reading.report.engine) as connection:
                campaigns.copy_list(connection, reading.campaign.id, file)
            try:
                for chunk in self._chunks(reading, Path(file.name)):
                    if not (self._import(reading, chunk) and reading.report.keep()):
                        return
            except SourceRefused as refusal:
                code = refusal.code
        self._end(reading, code)

    def _chunks(self, reading: _Reading, path: Path) -> Iterator[list[SourceRow | RowFailure]]:
        """What is left of the list. It is read as on the day the campaign began, whenever it goes on."""
        found = reading.campaign
        day = local_day(datetime.fromtimestamp(found.created_at, UTC))
        zones = frozenset(self._office.settings.parking_zones)
        rows = read_rows(SourceFile(path), self._office.catalogue.named(found.type), day, zones)
        for start in range(0, found.position, _STEP):
            for _ in islice(rows, min(_STEP, found.position - start)):
                pass
            reading.report.keep()
        return batched(rows, BATCH)

    def _import(self, reading: _Reading, chunk: Sequence[SourceRow | RowFailure]) -> bool:
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._write(reading, chunk)
            except IntegrityError:  # another import took a number in between
                continue
        return self._write(reading, chunk)

    def _write(self, reading: _Reading, chunk: Sequence[SourceRow | RowFailure]) -> bool:
        """One transaction; False when the campaign does not go on here."""
        found, office = reading.campaign, self._office
        order = Order(found.actor, office.now(), f"campaign {found.id}", found.id)
        work = Import(office.engine, office.catalogue.named(found.type), order, reissue=found.reissue)
        rows = [row for row in chunk if isinstance(row, SourceRow)]
        failures = [Outcome(row.line, row, None) for row in chunk if isinstance(row, RowFailure)]
        doubtful = {row.line for row in rows if row.entitlement.warnings}
        with write_transaction(office.engine) as connection:
            if not campaigns.goes_on(connection, found.id, reading.position):
                reading.report.done([reading.errand.id], connection)  # who resumes it, calls again
                return False
            outcomes = work.write(connection, rows)
            after = reading.position + len(chunk)
            campaigns.note_rows(connection, found.id, [*outcomes, *failures], doubtful, after, order.seconds)
            renewed = [each.serial for each in outcomes if each.change is Change.RENEWED and each.serial]
            told = _valid(connection, renewed)
            possible = office.settings.sends_mail
            tell_holders(connection, told, RENEWED, found.inform, order, mail_possible=possible)
        reading.position = after
        return True

    def _end(self, reading: _Reading, code: str) -> None:
        """All is read, or with a `code`: the rest cannot be."""
        number, now = reading.campaign.id, int(self._office.seconds())
        with write_transaction(self._office.engine) as connection:
            if campaigns.goes_on(connection, number, reading.position):
                if code:
                    campaigns.fail(connection, number, code, now)
                else:
                    campaigns.all_read(connection, number, reading.position, now)
            reading.report.done([reading.errand.id], connection)


class _Reading:
    """How far a worker is with a list."""

    def __init__(self, campaign: Campaign, errand: Errand, report: Report) -> None:
        self.campaign, self.errand, self.report = campaign, errand, report
        self.position = campaign.position


def _valid(connection: Connection, serials: Collection[str]) -> list[str]:
    """Those that are valid, in their order: who has a suspended pass is not told that it goes on."""
    valid = passes.c.status == int(Status.VALID)
    found = select(passes.c.serial).where(among(connection, passes.c.serial, serials), valid)
    told = set(connection.scalars(found))
    return [serial for serial in serials if serial in told]


def build(office: Office) -> CampaignTask:
    return CampaignTask(office)
