"""What devices and all they send in stand on: the service's database, its tables, its seal and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, delete, insert

from verifiers.database import open_database
from verifiers.devices.tables import DeviceTables
from verifiers.models import DEVICES, SCANS
from verifiers.scans.tables import ScanTables
from verifiers.settings import VerifierSettings, read_settings
from verifiers.webhooks.events import EVENTS, announce
from web.staff.sealing import Seal, read_seal

EVENTS_KEPT = 180 * 86400  # seconds


@dataclass(frozen=True, slots=True)
class DeviceStore:
    """The devices of one service and what they send in. `clock` gives NumericDates."""

    engine: Engine
    seal: Seal
    clock: Callable[[], float] = field(default=time.time)
    tables: DeviceTables = DEVICES
    scans: ScanTables = SCANS

    def now(self) -> int:
        """The time in whole seconds."""
        return int(self.clock())

    def note(self, connection: Connection, kind: str, device_id: str, account_id: str | None) -> None:
        """Write down what happened to a device, in the same transaction. `account_id` none: by command or by itself."""
        row = {"at": self.now(), "device_id": device_id, "kind": kind, "account_id": account_id}
        connection.execute(insert(self.tables.events).values(row))
        connection.execute(delete(self.tables.events).where(self.tables.events.c.at < self.now() - EVENTS_KEPT))
        event = kind.replace("_", ".", 1)
        if event in EVENTS:
            announce(connection, event, {"device": device_id}, self.now())


def open_devices(settings: VerifierSettings, engine: Engine | None = None) -> DeviceStore:
    """The store in the service's database, which is opened unless `engine` has it open already."""
    return DeviceStore(engine or open_database(settings), read_seal(settings.seal_path))


def device_store() -> DeviceStore:
    """For `walletpass devices`."""
    return open_devices(read_settings())
