"""Upgrades without downtime: what the version before writes is right after the migration, and the order is enforced."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, select, text

from issuers.errors import NotInitialised
from issuers.installing import bring_up_to_date, initialise
from issuers.models import REVISION, outbox
from issuers.office import Office
from issuers.settings import IssuerSettings
from issuers.tasks import load_tasks
from issuers.worker import Worker, worker_name
from tests.city import START, City, Clock
from tests.issuers.test_worker import until, waiting, working
from walletpass.verdict import Reason
from web.database import WRITES, create_engine_for, read_transaction, revision, write_transaction

BEFORE, LATER = "0003", "9999"
NOW = int(START.timestamp())


def migrate_to(engine: Engine, wanted: str) -> None:
    """What `walletpass init` of that version did to the schema."""
    package = find_spec("issuers.migrations")
    assert package and package.submodule_search_locations
    config = Config()
    config.set_main_option("script_location", package.submodule_search_locations[0])
    with engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, wanted)


class VersionBefore:
    """Writes as version 0003 does: its columns and no others."""

    def __init__(self, connection: Connection) -> None:
        self._write = lambda statement, **values: connection.execute(text(statement), values)

    def sets_up(self) -> None:
        self._write("INSERT INTO installation (name, value) VALUES ('public_url', 'http://localhost:8000')")
        self._write(
            "INSERT INTO status_lists (id, size, seed, allocated, issued_at) VALUES ('1', 1024, :seed, 1, :at)",
            seed=b"s" * 16,
            at=NOW - 60,
        )

    def issues(self, serial: str) -> None:
        self._write(
            "INSERT INTO passes (serial, type, external_number, status, valid_from, valid_until, claims, created_at,"
            " changed_at) VALUES (:serial, 'library_card', :serial, 0, '2026-11-01', '2027-11-01', :claims, :at, :at)",
            serial=serial,
            claims='{"card_number":"D0001"}',
            at=NOW,
        )
        self._write(
            "INSERT INTO holders (serial, position, given_name, family_name, date_of_birth, street, postcode, city,"
            " email, language) VALUES (:serial, 0, 'Anna', 'Müller', NULL, '', '', '', '', 'de')",
            serial=serial,
        )
        self._write(
            "INSERT INTO audit (at, actor, action, serial, reason, detail) VALUES (:at, 'x', 'issue', :serial, '', '')",
            serial=serial,
            at=NOW,
        )

    def offers(self, serial: str, index: int) -> None:
        self._write(
            "INSERT INTO credentials (serial, carrier, holder_position, holder_key, format, type_version, list_id,"
            " status_index, status, effective_status, fingerprint, kid, issued_at, valid_from, valid_until, encoded)"
            " VALUES (:serial, 'qr', NULL, NULL, 'cwt', 1, '1', :place, 0, 0, 'f', :kid, :at, :at, :until, 'WP1:')",
            serial=serial,
            place=index,
            kid=b"k" * 8,
            at=NOW,
            until=NOW + 86400,
        )

    def revokes(self, serial: str, index: int) -> None:
        """A pass whose credential's place is (list 1, index)."""
        self._write("UPDATE passes SET status = 1, changed_at = :at WHERE serial = :serial", serial=serial, at=NOW)
        self._write("UPDATE credentials SET effective_status = 1 WHERE serial = :serial AND status = 0", serial=serial)
        row = "INSERT INTO outbox (kind, subject, detail, created_at) VALUES (:kind, :subject, :detail, :at)"
        self._write(row, kind="publish-list", subject="1", detail=f"{index}=1", at=NOW)
        self._write(row, kind="update-carriers", subject=serial, detail="", at=NOW)


@pytest.fixture
def office_from_before(tmp_path: Path, key_folder: Path, database_url: str) -> Office:
    """An installation that version 0003 set up: one pass, offered."""
    home = tmp_path / "home"
    shutil.copytree(key_folder, home / "issuer")
    clock = Clock()
    office = Office(IssuerSettings(home=home, database_url=database_url, status_list_size=1024), clock, clock.sleep)
    engine = create_engine_for(database_url)
    migrate_to(engine, BEFORE)
    with write_transaction(engine) as connection:
        old = VersionBefore(connection)
        old.sets_up()
        old.issues("a" * 20)
        old.offers("a" * 20, 7)
    engine.dispose()
    return office


def rows(office: Office, query: str) -> list[tuple[Any, ...]]:
    with read_transaction(office.connect()) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_program_refuses_an_older_schema_with_the_command_that_helps(office_from_before: Office) -> None:
    with pytest.raises(NotInitialised, match="walletpass init"):
        _ = office_from_before.engine


def test_walletpass_init_brings_an_older_schema_up_to_date_and_keeps_all_that_is_in_it(
    office_from_before: Office,
) -> None:
    kept = {
        "passes": "SELECT * FROM passes",
        "holders": "SELECT * FROM holders",
        "credentials": "SELECT * FROM credentials",
        "audit": "SELECT * FROM audit",
        "lists": "SELECT id, size, seed, allocated FROM status_lists WHERE id = '1'",
    }
    before = {name: rows(office_from_before, query) for name, query in kept.items()}
    assert all(before.values())
    initialise(office_from_before)
    assert {name: rows(office_from_before, query) for name, query in kept.items()} == before
    with read_transaction(office_from_before.engine) as connection:
        assert revision(connection) == REVISION


def test_what_the_version_before_writes_after_the_migration_the_workers_pick_up(city_on: City) -> None:
    permit = city_on.grants("resident_parking_permit")
    text_ = city_on.qr(permit)
    [(index,)] = rows(city_on.office, "SELECT status_index FROM credentials")
    with write_transaction(city_on.office.engine) as connection:
        old = VersionBefore(connection)
        old.issues("b" * 20)
        old.offers("b" * 20, 1 if index != 1 else 2)
        old.revokes(permit.serial, index)
    assert city_on.inspector_sees(text_).reason is Reason.ACCEPTED
    with read_transaction(city_on.office.engine) as connection:
        written = connection.execute(select(outbox).where(outbox.c.done_at.is_(None))).all()
    assert [(row.due_at, row.attempts, row.claim, row.campaign) for row in written] == [(0, 0, None, None)] * 2
    tasks = load_tasks(city_on.office)
    with worker_name(city_on.office) as name, working(Worker(city_on.office, name, tasks, {})):
        until(lambda: waiting(city_on) == 0)
    assert city_on.inspector_sees(text_).reason is Reason.REVOKED


@pytest.mark.parametrize(("oldest", "fits"), [(BEFORE, True), (REVISION, True), (LATER, False)])
def test_a_newer_schema_says_which_programs_may_go_on(city_on: City, oldest: str, fits: bool) -> None:
    with write_transaction(city_on.office.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :later"), {"later": LATER})
        connection.execute(text("UPDATE installation SET value = :v WHERE name = 'oldest_code'"), {"v": oldest})
    office = Office(city_on.settings, city_on.clock, city_on.clock.sleep)
    if fits:
        bring_up_to_date(office)
        assert initialise(office) == []
    else:
        for start in (lambda: office.engine, lambda: initialise(office)):
            with pytest.raises(NotInitialised, match="update this one"):
                start()
    assert rows(office, "SELECT version_num FROM alembic_version") == [(LATER,)]
