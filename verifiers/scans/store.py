"""What the scan log stands on: the verifying service's database, its tables and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sqlalchemy import Connection, Engine

from verifiers.database import open_database
from verifiers.models import SCANS
from verifiers.scans.tables import ScanTables
from verifiers.settings import VerifierSettings
from walletpass.passes import local_day
from web.database import write_transaction

_UPLOAD_LOCK = 0x5CA75  # any number, the same for every process of the service


@dataclass(frozen=True, slots=True)
class ScanStore:
    """`clock` gives NumericDates."""

    engine: Engine
    tables: ScanTables = SCANS
    clock: Callable[[], float] = field(default=time.time)

    def now(self) -> int:
        """The time in whole seconds."""
        return int(self.clock())

    def today(self) -> date:
        """The local day."""
        return local_day(datetime.fromtimestamp(self.clock(), UTC))

    @contextmanager
    def upload(self) -> Iterator[Connection]:
        """A transaction beside which no other upload runs, so that it sees every scan and use there is.

        SQLite has one writer at a time in any case. Without the lock PostgreSQL would let two devices store the two
        uses of one permit at the same moment, neither seeing the other's.
        """
        with write_transaction(self.engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPLOAD_LOCK})")
            yield connection


def open_scans(settings: VerifierSettings, engine: Engine | None = None) -> ScanStore:
    """The store in the service's database, which is opened unless `engine` has it open already."""
    return ScanStore(engine or open_database(settings))
