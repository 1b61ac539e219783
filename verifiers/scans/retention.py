"""Forgetting: scans after the days set for their type, uses and their keys after tomorrow, cases after their days, and
the proofs of requests (`web.dpop`) minutes after these.

A batch at a time, each in a transaction of its own, so that an upload waits for none of it. Counts stay.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import NamedTuple

import structlog
from sqlalchemy import ColumnElement, Table, and_, delete, select

from verifiers.models import PROOFS
from verifiers.scans.store import ScanStore
from verifiers.scans.uses import first_kept_day
from web.database import read_transaction, write_transaction

OTHERS = "*"  # the types that are not named
REPEATED_FOR = 7  # days a scan is kept in any case: a device that had no answer sends it again, and it counts once
BATCH = 1000  # rows
INTERVAL = 3600  # seconds
_DAY = 86400
_LOG = structlog.get_logger(__name__)


class Forgotten(NamedTuple):
    """How many rows are gone."""

    scans: int
    uses: int
    cases: int


class Retention:
    """`scan_days`: days by type of pass, `*` for all others. They begin with the check, those of cases on arrival."""

    def __init__(self, store: ScanStore, scan_days: Mapping[str, int], case_days: int) -> None:
        self._store, self._scan_days, self._case_days = store, scan_days, case_days

    def purge(self) -> Forgotten:
        """Delete what is over."""
        tables, now = self._store.tables, self._store.now()
        scans = sum(self._forget(tables.scans, self._over(pass_type, now)) for pass_type in self._types())
        first = first_kept_day(self._store.today())
        uses = [self._forget(t, t.c.day < first) for t in (tables.uses, tables.warnings, tables.use_keys)]
        cases = self._forget(tables.cases, tables.cases.c.received_at < now - self._case_days * _DAY)
        self._forget(PROOFS, PROOFS.c.forget_at < now)
        return Forgotten(scans, uses[0], cases)

    def _types(self) -> list[str | None]:
        """Those that there are; each has its own days, found by the index over type and time."""
        with read_transaction(self._store.engine) as connection:
            return list(connection.scalars(select(self._store.tables.scans.c.pass_type).distinct()))

    def _over(self, pass_type: str | None, now: int) -> ColumnElement[bool]:
        columns = self._store.tables.scans.c
        days = self._scan_days.get(pass_type or OTHERS, self._scan_days[OTHERS])
        return and_(
            columns.pass_type.is_(None) if pass_type is None else columns.pass_type == pass_type,
            columns.at < now - days * _DAY,
            columns.received_at < now - REPEATED_FOR * _DAY,
        )

    def _forget(self, table: Table, over: ColumnElement[bool]) -> int:
        key, gone = table.primary_key.columns[0], 0
        batch = delete(table).where(key.in_(select(key).where(over).limit(BATCH)))
        while True:
            with write_transaction(self._store.engine) as connection:
                found = connection.execute(batch).rowcount
            gone += found
            if found < BATCH:
                return gone


class RetentionThread:
    """Purges once at the start and then every hour, in a thread of its own."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it; a batch that is running ends first."""
        self._stopped.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                if any(forgotten := self._retention.purge()):
                    _LOG.info("scans_forgotten", **forgotten._asdict())
            except Exception:
                # Whatever went wrong, the next hour tries again.
                _LOG.exception("retention_failed")
            self._stopped.wait(INTERVAL)
