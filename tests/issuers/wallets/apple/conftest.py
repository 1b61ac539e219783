"""The Apple wallet with a demo certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from issuers.settings import IssuerSettings
from issuers.wallets.apple import AppleWallet, build
from keys.local_signer import LocalSigner
from keys.signer import Role
from tests.city import City
from tests.conftest import new_database
from tests.issuers.api.conftest import Serve, serve, service, service_on
from tests.issuers.wallets.apple.apple_pass import NOW, TYPES, Opened, carry, demo_signer, opened
from tests.issuers.wallets.apple.phones import Street, chain_file
from tests.issuers.wallets.push_server import PushServer

__all__ = ["serve", "service", "service_on"]


@pytest.fixture(scope="session")
def settings() -> IssuerSettings:
    return IssuerSettings()


@pytest.fixture(scope="session")
def signer(settings: IssuerSettings) -> LocalSigner:
    return demo_signer(settings.apple_pass_type_identifier, settings.apple_team_identifier)


@pytest.fixture(scope="session")
def wallet(settings: IssuerSettings, signer: LocalSigner) -> AppleWallet:
    return build(settings, lambda role: {Role.APPLE_PASS: signer}[role])


@pytest.fixture(scope="session")
def offered(wallet: AppleWallet) -> Callable[..., Opened]:
    """Open the pass the wallet makes of (type name, status, holder, claims)."""

    def offer(type_: str, *args: Any, **claims: Any) -> Opened:
        return opened(wallet.offer(carry(TYPES[type_], *args, **claims), "pkpass", NOW))

    return offer


@pytest.fixture
def apple(key_folder: Path, tmp_path: Path) -> Iterator[PushServer]:
    """A push server that knows the city's pass certificate."""
    server = PushServer(chain_file(key_folder), tmp_path).start()
    yield server
    server.stop()


@pytest.fixture
def city_that_pushes(make_city: Callable[..., City], apple: PushServer) -> City:
    return make_city(apple_push_url=apple.url, apple_push_ca=str(apple.ca))


@pytest.fixture
def street(city_that_pushes: City, serve: Serve) -> Street:
    return Street(city_that_pushes, serve(city_that_pushes).client)


@pytest.fixture
def street_on(
    request: pytest.FixtureRequest, database_kind: str, make_city: Callable[..., City], apple: PushServer, serve: Serve
) -> Street:
    """Once on SQLite and once on PostgreSQL."""
    url = "" if database_kind == "sqlite" else new_database(request.getfixturevalue("postgresql"))
    city = make_city(apple_push_url=apple.url, apple_push_ca=str(apple.ca), database_url=url)
    return Street(city, serve(city).client)
