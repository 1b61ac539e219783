"""What the tests of the scan log share: a clock that stands still, scans as devices write them, and a desk to count."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, select

from verifiers.scans.retention import Retention
from verifiers.scans.scan import nonce_text
from verifiers.scans.scan_log import ScanLog, Upload
from verifiers.scans.store import ScanStore
from verifiers.scans.uses import Uses
from walletpass.passes import local_day
from web.database import create_engine_for, read_transaction
from web.migrations import upgrade

NOW = 1_800_000_000  # 15 January 2027, 09:00 local, the beginning of a quarter of an hour
MINUTE, QUARTER, HOUR, DAY = 60, 900, 3600, 86400
PERMIT = "resident_parking_permit"
TYPES = {PERMIT, "social_pass", "library_card", "x" * 64}  # the last as long as a name can be
WITHIN = 15  # minutes


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = float(NOW)

    def __call__(self) -> float:
        return self.seconds


def sixteen(name: object) -> str:
    """16 bytes in Base64url, the same for the same name."""
    return base64.urlsafe_b64encode(hashlib.sha256(str(name).encode()).digest()[:16]).decode().rstrip("=")


def day_of(second: int) -> str:
    return local_day(datetime.fromtimestamp(second, UTC)).isoformat()


def scan(name: object, at: int = NOW, use: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """An accepted permit in zone A12. `name` gives the nonce, `at` is any second."""
    found = {
        "nonce": sixteen(name),
        "at": at - at % QUARTER,
        "kind": "code",
        "outcome": "accepted",
        "reason": "accepted",
        "pass_type": PERMIT,
        "zone": "A12",
        "use": use,
    }
    return found | changes


def used(name: object, permit: str, at: int = NOW, zone: str | None = "A12", plate: str | None = None) -> Any:
    """The same with the use of a permit, at a plate perhaps."""
    use = {
        "day": day_of(at),
        "digest": sixteen(f"{permit} {day_of(at)}"),
        "plate": None if plate is None else sixteen(f"{plate} {day_of(at)}"),
        "minute": at - at % MINUTE,
        "zone": zone,
    }
    return scan(name, at, use, zone=zone)


def a_batch(number: int) -> list[dict[str, Any]]:
    """50 uses of 50 permits, in one zone or the other."""
    return [used(f"{number} {n}", f"permit {n}", zone=f"A{number % 2}") for n in range(50)]


class Desk:
    """A database with everything that stands on it. Devices are known by any short name."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url, self.clock = url, clock
        self.engine = create_engine_for(url)
        upgrade(self.engine, "verifiers.migrations")
        self.store = ScanStore(self.engine, clock=clock)
        self.uses = Uses(self.store, WITHIN)
        self.log = ScanLog(self.store, self.uses, lambda: TYPES)

    def receives(self, *items: Any, device: str = "one") -> Upload:
        return self.log.take(device, items)

    def retention(self, scan_days: dict[str, int] | None = None, case_days: int = 180) -> Retention:
        return Retention(self.store, scan_days or {"*": 30}, case_days)

    def rows(self, table: str) -> Sequence[Any]:
        with read_transaction(self.engine) as connection:
            return connection.execute(select(getattr(self.store.tables, table))).all()

    def scans(self) -> int:
        return len(self.rows("scans"))

    def counted(self) -> int:
        with read_transaction(self.engine) as connection:
            return connection.scalar(select(func.sum(self.store.tables.counts.c.count))) or 0

    def warned(self) -> set[tuple[str, str, str]]:
        """Device, nonce and kind of every warning there is."""
        return {(row.device_id, nonce_text(row.nonce), row.kind) for row in self.rows("warnings")}

    @property
    def today(self) -> date:
        return self.store.today()
