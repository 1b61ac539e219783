"""The desk of a running service with a phone in the street, and people signed in to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.verifiers.scans.test_devices_send import Street
from tests.web.staff.visitor import Visitor
from verifiers.desk.staff import open_staff
from web.staff.accounts import Accounts
from web.staff.passwords import PasswordHasher

Person = Callable[..., Visitor]


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    street = Street(tmp_path)
    with street.client:
        yield street


@pytest.fixture
def person(street: Street) -> Person:
    """Somebody signed in with these roles."""

    def sign_in(name: str = "k.lange", *roles: str) -> Visitor:
        store = open_staff(street.settings)
        client = TestClient(street.client.app, base_url="http://localhost:8001", follow_redirects=False)
        visitor = Visitor(client, "http://localhost:8001", store)
        _, start = Accounts(store, PasswordHasher(threads=1)).create(name, "Karla Lange", set(roles))
        visitor.enrol(start, name)
        return visitor

    return sign_in


@pytest.fixture
def lead(person: Person) -> Visitor:
    return person("k.lange", "lead")
