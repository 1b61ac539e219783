"""`letter`: puts letters together into print batches: 500 as soon as so many wait, fewer when the first waits long.

What is too few yet is due again when its oldest has waited long enough, all of it at one moment. A batch, its letters,
what is done with that and what is to be printed are one transaction, of rows that this worker still holds: so each
letter is in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from issuers.campaigns import State
from issuers.models import outbox
from issuers.notices import LETTER
from issuers.office import Office
from issuers.outbox import PARKED, Errand, Report
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

    def perform(self, errands: Sequence[Errand], report: Report) -> None:  # noqa: ARG002 - what is held still counts
        put_off: list[tuple[list[Errand], str, int]] = []
        with write_transaction(report.engine) as connection:
            groups: dict[int | None, list[Errand]] = {}
            for errand in report.locked(connection):
                groups.setdefault(errand.campaign, []).append(errand)
            paused = paused_among(connection, [campaign for campaign in groups if campaign])
            for campaign, mine in groups.items():
                if campaign in paused:
                    put_off.append((mine, State.PAUSED.value, PARKED))
                elif wait := self._collect(connection, report, campaign, mine):
                    put_off.append((mine, COLLECTING, wait))
        for mine, code, wait in put_off:
            report.later(mine, code, wait)

    def _collect(self, connection: Connection, report: Report, campaign: int | None, mine: list[Errand]) -> int:
        """Make a batch of these and of those that wait already; or how many seconds to wait for more."""
        now = int(self._office.seconds())
        with connection.begin_nested() as attempt:
            joined = report.join(connection, LETTER, COLLECTING, campaign, SIZE - len(mine))
            letters = sorted([*joined, *mine], key=lambda errand: errand.id)
            wait = min(errand.created_at for errand in letters) + self._office.settings.print_after - now
            if wait > 0 and len(letters) < SIZE:
                attempt.rollback()  # those that wait go on waiting
                return wait
        self._make(connection, letters, campaign, now)
        report.done([errand.id for errand in letters], connection)
        return 0

    def _make(self, connection: Connection, letters: Sequence[Errand], campaign: int | None, now: int) -> None:
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
