"""The issuing service of a test city, asked as departments and wallets ask it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from issuers.app import create_app
from issuers.models import tokens
from tests.city import City
from web.tokens import Token, TokenStore

Answer = httpx2.Response


@dataclass(frozen=True)
class Service:
    """A running service; `call` signs in with a token that may do everything unless told otherwise."""

    city: City
    client: TestClient
    headers: dict[str, str]

    def token(self, *scopes: str, lifetime: int | None = 3600) -> tuple[Token, dict[str, str]]:
        """A new token and the header that carries it; scopes as `department:action`."""
        pairs = {(department, action) for department, _, action in (scope.partition(":") for scope in scopes)}
        store = TokenStore(self.city.office.engine, tokens)
        token, secret = store.create("a test", pairs, int(time.time()), lifetime)
        return token, {"Authorization": f"Bearer {secret}"}

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        options["headers"] = self.headers | options.get("headers", {})
        if body is not None:
            options["json"] = body
        return self.client.request(method, path, **options)

    def creates(self, number: str = "BP-1", **body: Any) -> Answer:
        """A permit made through the API."""
        return self.call("POST", "/api/v1/passes", permit(number) | body)

    def changes(self, serial: str, address: str, body: Any = None, **options: Any) -> Answer:
        return self.call("POST", f"/api/v1/passes/{serial}/{address}", body, **options)


def permit(number: str = "BP-1") -> dict[str, Any]:
    return {
        "type": "resident_parking_permit",
        "valid_until": "2027-06-01",
        "claims": {"permit_number": number, "zone": "MÜ", "plates": ["d ab 12"]},
        "holder": {"given_name": "Jürgen", "family_name": "Müßig"},
    }


Serve = Callable[..., Service]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts the service of a city."""
    with ExitStack() as running:

        def start(city: City, **options: Any) -> Service:
            client = TestClient(create_app(city.office, **options), raise_server_exceptions=False)
            running.enter_context(client)
            service = Service(city, client, {})
            service.headers.update(service.token("*:*")[1])
            return service

        yield start


@pytest.fixture
def service(city: City, serve: Serve) -> Service:
    """On SQLite."""
    return serve(city)


@pytest.fixture
def service_on(city_on: City, serve: Serve) -> Service:
    """Once on SQLite and once on PostgreSQL."""
    return serve(city_on)
