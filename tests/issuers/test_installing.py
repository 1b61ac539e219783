"""Setting up, and databases that another version left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import issuers.migrations
from issuers.errors import NotInitialised
from issuers.installing import bring_up_to_date, initialise
from issuers.models import REVISION, metadata
from issuers.office import Office
from issuers.settings import IssuerSettings
from tests.city import City
from web.database import read_transaction, revision


def test_the_revision_that_the_office_expects_is_the_newest_migration() -> None:
    folder = ScriptDirectory(str(Path(issuers.migrations.__path__[0])))
    assert folder.get_current_head() == REVISION


def test_the_migrations_make_the_tables_that_the_code_declares(city_on: City) -> None:
    with read_transaction(city_on.office.engine) as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    assert found == []


def test_an_empty_database_is_not_set_up_by_looking_at_it(tmp_path: Path, database_url: str) -> None:
    office = Office(IssuerSettings(home=tmp_path / "home", database_url=database_url))
    with pytest.raises(NotInitialised, match="walletpass init"):
        _ = office.engine
    bring_up_to_date(office)
    with read_transaction(office.connect()) as connection:
        assert revision(connection) is None


def test_setting_up_twice_changes_no_key(city: City) -> None:
    kids = [entry.kid for entry in city.office.ring.entries()]
    assert initialise(city.office) == []
    assert [entry.kid for entry in city.office.ring.entries()] == kids


def test_a_command_that_migrates_nothing_does_not_load_alembic() -> None:
    script = "import sys, issuers.commands.passes; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
