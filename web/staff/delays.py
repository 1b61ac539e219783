"""Growing pauses after failures, per account, address and factor; never an end.

Threats: guessing one account's password, trying one password on many accounts, and a stranger who fails on purpose to
keep a colleague out. The first two cost a pause that doubles (ASVS 2.2.1); against the third a browser that has signed
in before counts its failures apart (OWASP, "Slow Down Online Guessing Attacks with Device Cookies"), no pause is longer
than 15 minutes, and what comes during a pause does not lengthen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from web.database import insert_missing, write_transaction
from web.staff.errors import TooSoon
from web.staff.store import DELAYS_KEPT, StaffStore


@dataclass(frozen=True, slots=True, order=True)
class Patience:
    """So many failures are free; then the pause begins at two seconds and doubles up to `longest` seconds."""

    kind: str
    free: int
    longest: int

    def pause(self, failures: int) -> int:
        """Seconds to wait after this many failures."""
        return 0 if failures <= self.free else min(self.longest, 2 ** min(failures - self.free, 20))


ACCOUNT = Patience("account", 4, 900)  # by the name that was typed, whether it exists or not
DEVICE = Patience("device", 4, 900)  # a browser that this account has signed in with
ADDRESS = Patience("address", 20, 300)  # an office shares one
FACTOR = Patience("factor", 4, 900)
Subject = tuple[Patience, str]


class Delays:
    """Counts an attempt before it is judged, so that attempts sent at the same time count too; forgiven if it fits."""

    def __init__(self, store: StaffStore) -> None:
        self._store = store

    def begin(self, *subjects: Subject) -> None:
        """Count an attempt for each subject, or raise `TooSoon` and count nothing."""
        now = self._store.now()
        digests = sorted((self._digest(subject), subject[0]) for subject in subjects)  # one order: no deadlock
        with write_transaction(self._store.engine) as connection:
            found = [(patience, self._locked(connection, digest)) for digest, patience in digests]
            wait = max(row.free_at for _, row in found) - now
            if wait > 0:
                raise TooSoon(wait)
            for patience, row in found:
                self._count(connection, patience, row, now)

    def forgive(self, *subjects: Subject) -> None:
        """The attempt was good: nothing is held against these any more; of an address, only this attempt is not."""
        table = self._store.tables.delays
        with write_transaction(self._store.engine) as connection:
            for subject in subjects:
                here = table.c.subject == self._digest(subject)
                if subject[0] is ADDRESS:
                    # Else whoever has one account could guess at the others for ever.
                    connection.execute(update(table).where(here).values(failures=table.c.failures - 1, free_at=0))
                else:
                    connection.execute(delete(table).where(here))

    def _locked(self, connection: Connection, digest: bytes) -> Row[Any]:
        """The subject's row, there and locked: of attempts at the same time each sees the one before."""
        table = self._store.tables.delays
        row = {"subject": digest, "failures": 0, "failed_at": 0, "free_at": 0}
        insert_missing(connection, table, row)
        return connection.execute(select(table).where(table.c.subject == digest).with_for_update()).one()

    def _count(self, connection: Connection, patience: Patience, row: Row[Any], now: int) -> None:
        table = self._store.tables.delays
        failures = 1 if row.failed_at < now - DELAYS_KEPT else row.failures + 1
        values = {"failures": failures, "failed_at": now, "free_at": now + patience.pause(failures)}
        connection.execute(update(table).where(table.c.subject == row.subject).values(values))

    def _digest(self, subject: Subject) -> bytes:
        return self._store.seal.digest("delay", subject[0].kind.encode(), subject[1].encode("utf-8", "surrogatepass"))
