"""Webhooks on both databases, a clock that a test moves, and receivers on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.verifiers.webhooks.receiver import Receiver
from verifiers.webhooks.delivery import Delivery
from verifiers.webhooks.events import announce
from verifiers.webhooks.sending import Sender
from verifiers.webhooks.store import WebhookStore
from verifiers.webhooks.webhooks import Message, Webhooks
from web.database import create_engine_for, write_transaction
from web.migrations import upgrade
from web.staff.sealing import Seal

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Clock:
    """Begins with this moment: the independent library that checks signatures reads the real clock."""

    def __init__(self) -> None:
        self.seconds = time.time()

    def __call__(self) -> float:
        return self.seconds


@dataclass
class House:
    """A service's webhooks without the service."""

    store: WebhookStore
    clock: Clock
    webhooks: Webhooks
    delivery: Delivery

    def announce(self, event: str = "device.revoked", **members: object) -> int:
        with write_transaction(self.store.engine) as connection:
            return announce(connection, event, members or {"device": "d1"}, self.store.now())

    def message(self) -> Message:
        """The only one there is."""
        [found] = self.webhooks.messages()
        return found

    def another_process(self) -> Delivery:
        return Delivery(self.store, Sender(LOOPBACK), chance=_middle)

    def waits(self) -> int:
        """Seconds until the only message is sent again."""
        next_at = self.message().next_at
        assert next_at is not None
        return next_at - self.store.now()


def _middle(low: float, high: float) -> float:
    return (low + high) / 2


def make_house(url: str) -> House:
    engine, clock = create_engine_for(url), Clock()
    upgrade(engine, "verifiers.migrations")
    store = WebhookStore(engine, Seal(bytes(32)), clock)
    return House(store, clock, Webhooks(store), Delivery(store, Sender(LOOPBACK), chance=_middle))


@pytest.fixture
def house_on(database_url: str) -> Iterator[House]:
    """Once on SQLite, once on PostgreSQL."""
    house = make_house(database_url)
    yield house
    house.store.engine.dispose()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = make_house(f"sqlite:///{tmp_path / 'house.db'}")
    yield house
    house.store.engine.dispose()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()
