"""What all of sign-in stands on: a service's database, its staff tables, its seal and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, delete, insert

from web.database import write_transaction
from web.staff.sealing import Seal
from web.staff.tables import StaffTables

EVENTS_KEPT = 180 * 86400  # seconds
DELAYS_KEPT = 86400  # after the last failure
SESSIONS_KEPT = 12 * 3600  # after they began: the longest any of them lives


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request comes from: a network (never a whole address) and a device in two words; both for its owner."""

    network: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class StaffStore:
    """The staff of one service. `clock` gives NumericDates."""

    engine: Engine
    tables: StaffTables
    seal: Seal
    clock: Callable[[], float] = field(default=time.time)

    def now(self) -> int:
        """The time in whole seconds."""
        return int(self.clock())

    def note(
        self,
        connection: Connection,
        kind: str,
        account_id: str | None,
        caller: Caller,
        session_id: str | None = None,
    ) -> None:
        """Write down what happened, in the same transaction: who, when, from where; no password, no code (ASVS 7.1)."""
        row = {
            "at": self.now(),
            "kind": kind,
            "account_id": account_id,
            "session_id": session_id,
            "network": caller.network,
            "device": caller.device,
        }
        connection.execute(insert(self.tables.events).values(row))

    def tidy(self) -> None:
        """Forget what nobody needs any more."""
        now, tables = self.now(), self.tables
        with write_transaction(self.engine) as connection:
            connection.execute(delete(tables.events).where(tables.events.c.at < now - EVENTS_KEPT))
            connection.execute(delete(tables.delays).where(tables.delays.c.failed_at < now - DELAYS_KEPT))
            connection.execute(delete(tables.sessions).where(tables.sessions.c.created_at < now - SESSIONS_KEPT))
            connection.execute(delete(tables.used_challenges).where(tables.used_challenges.c.expires_at < now))
