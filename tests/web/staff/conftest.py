"""A desk with accounts, on both databases, whose clock stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.web.staff.plain_desk import plain_desk
from tests.web.staff.visitor import Clock, Visitor
from verifiers.models import STAFF
from verifiers.settings import VerifierSettings
from web.database import create_engine_for
from web.edge import fit_edge
from web.migrations import upgrade
from web.staff.accounts import Accounts
from web.staff.passwords import PasswordHasher
from web.staff.sealing import Seal
from web.staff.store import StaffStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store_on(database_url: str, clock: Clock) -> Iterator[StaffStore]:
    """Once on SQLite, once on PostgreSQL."""
    yield from opened(database_url, clock)


@pytest.fixture
def store(tmp_path: Any, clock: Clock) -> Iterator[StaffStore]:
    yield from opened(f"sqlite:///{tmp_path / 'staff.db'}", clock)


def opened(url: str, clock: Clock) -> Iterator[StaffStore]:
    engine = create_engine_for(url)
    upgrade(engine, "verifiers.migrations")
    yield StaffStore(engine, STAFF, Seal(bytes(32)), clock)
    engine.dispose()


@pytest.fixture(scope="session")
def hasher() -> PasswordHasher:
    """The real algorithm, at a price that tests can pay."""
    return PasswordHasher(memory_kib=64, passes=1)


@pytest.fixture
def accounts(store: StaffStore, hasher: PasswordHasher) -> Accounts:
    return Accounts(store, hasher)


@pytest.fixture
def visitor(store: StaffStore, hasher: PasswordHasher) -> Callable[..., Visitor]:
    """A browser at the desk; `url` is where the desk is reached."""
    return visitors(store, hasher)


@pytest.fixture
def visitor_on(store_on: StaffStore, hasher: PasswordHasher) -> Callable[..., Visitor]:
    """The same once on each database."""
    return visitors(store_on, hasher)


def visitors(store: StaffStore, hasher: PasswordHasher) -> Callable[..., Visitor]:
    def make(url: str = "http://localhost:8001", address: str = "192.0.2.7", **headers: str) -> Visitor:
        app = FastAPI()
        fit_edge(app, {}, lambda: ())
        app.include_router(plain_desk(store, VerifierSettings(verifier_url=url), hasher))
        client = TestClient(app, base_url=url, follow_redirects=False, client=(address, 50000), headers=headers)
        return Visitor(client, url, store)

    return make
