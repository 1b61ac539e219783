"""Devices on both databases, whose clock stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.staff.visitor import Clock
from verifiers.devices.devices import Devices
from verifiers.devices.store import DeviceStore
from web.database import create_engine_for
from web.migrations import upgrade
from web.staff.sealing import Seal


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[DeviceStore]:
    """Once on SQLite, once on PostgreSQL."""
    engine = create_engine_for(database_url)
    upgrade(engine, "verifiers.migrations")
    yield DeviceStore(engine, Seal(bytes(32)), clock)
    engine.dispose()


@pytest.fixture
def devices(store: DeviceStore) -> Devices:
    return Devices(store)
