"""`letter`: puts letters together into print batches: 500 as soon as so many wait, fewer when the first waits long.

What is too few yet is put off, and is due again when its oldest has waited long enough: that one takes along all that
waits. A batch, its letters, what is done with that and what is to be printed are one transaction, of rows that this
worker still holds: so each letter is in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from issuers.models import outbox
from issuers.notices import LETTER
from issuers.office import Office
from issuers.outbox import Errand, Report
from issuers.print_batches import PRINT, SIZE, new_batch
from issuers.tasks.carriers import paused_among
from web.database import write_transaction
from web.many_rows import insert_many

COLLECTING = "collecting"


class LettersTask:
    """One claim at a time in the installation, so that nobody else holds what belongs into the same batch."""

    kind, batch, lease, alone = LETTER, SIZE, 120, True

    def __init__(self, office: Office) -> None:
        self._office = office

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        put_off: list[list[Errand]] = []
        with write_transaction(report.engine) as connection:
            # Campaigns before rows, as whoever pauses one does; what is paused or cancelled by now is parked.
            paused_among(connection, {errand.campaign for errand in errands if errand.campaign})
            groups: dict[int | None, list[Errand]] = {}
            for errand in report.locked(connection):
                groups.setdefault(errand.campaign, []).append(errand)
            for campaign, mine in groups.items():
                put_off.append(self._collect(connection, report, campaign, mine))
        for left in filter(None, put_off):
            report.put_off(left, COLLECTING, max(1, self._wait(left)))

    def _collect(
        self, connection: Connection, report: Report, campaign: int | None, mine: list[Errand]
    ) -> list[Errand]:
        """Make a batch of these and of those that wait already, the oldest first; what is still to wait for others."""
        with connection.begin_nested() as attempt:
            joined = report.join(connection, LETTER, COLLECTING, campaign, SIZE)
            letters = sorted([*joined, *mine], key=lambda errand: errand.id)
            if len(letters) < SIZE and self._wait(letters) > 0:
                attempt.rollback()  # those that wait go on waiting
                return mine
        self._make(connection, letters[:SIZE], campaign)
        report.done([errand.id for errand in letters[:SIZE]], connection)
        return letters[SIZE:]

    def _wait(self, letters: Sequence[Errand]) -> int:
        """Seconds until the oldest has waited long enough; none when the clock was set back since it was written."""
        oldest, now = min(errand.created_at for errand in letters), int(self._office.seconds())
        return max(0, oldest + self._office.settings.print_after - now) if oldest <= now else 0

    def _make(self, connection: Connection, letters: Sequence[Errand], campaign: int | None) -> None:
        now = int(self._office.seconds())
        pairs = list(dict.fromkeys((errand.subject, errand.detail) for errand in letters))
        number = new_batch(connection, pairs, campaign, now)
        row = {
            "kind": PRINT,
            "subject": str(number),
            "detail": "",
            "created_at": now,
            "due_at": now,
            "campaign": campaign,
        }
        insert_many(connection, outbox, [row])

    def close(self) -> None:
        pass


def build(office: Office) -> LettersTask:
    return LettersTask(office)
