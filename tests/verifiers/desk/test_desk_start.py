"""The verifying service's desk: mounted in the real service, in its own database, whose tables the migrations make."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from starlette.testclient import TestClient

from tests.verifiers.sample_city import SampleCity
from tests.web.staff.visitor import Visitor, where
from verifiers.app import create_app
from verifiers.desk.staff import open_staff
from verifiers.models import METADATA
from verifiers.settings import VerifierSettings
from web.database import create_engine_for
from web.migrations import upgrade
from web.staff.accounts import Accounts
from web.staff.door import DeskAddressInvalid
from web.staff.passwords import PasswordHasher


def test_the_migrations_make_the_tables_that_the_code_uses(database_url: str) -> None:
    engine = create_engine_for(database_url)
    upgrade(engine, "verifiers.migrations")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_the_service_lets_its_staff_in_and_an_account_made_meanwhile_counts_at_once(tmp_path: Path) -> None:
    city = SampleCity(tmp_path, now=int(time.time()) - 60)
    city.publish()
    settings = VerifierSettings(home=city.home)
    with TestClient(create_app(settings), base_url="http://localhost:8001", follow_redirects=False) as client:
        store = open_staff(settings)
        karla = Visitor(client, "http://localhost:8001", store)
        assert where(karla.get()) == "/desk/sign-in"
        accounts = Accounts(store, PasswordHasher(threads=1))
        _, start = accounts.create("k.lange", "Karla Lange", {"lead"})
        karla.enrol(start)
        assert "Karla Lange" in karla.get().text
        accounts.disable("k.lange")
        assert where(karla.get()) == "/desk/sign-in"
        assert "/desk" not in client.get("/api/v1/openapi.json").text


@pytest.mark.parametrize("url", ["http://desk.example.org", "desk.example.org", "https://desk.example.org/x"])
def test_an_address_that_would_send_passwords_in_the_clear_is_refused(tmp_path: Path, url: str) -> None:
    city = SampleCity(tmp_path)
    city.publish()
    with pytest.raises(DeskAddressInvalid):
        create_app(VerifierSettings(home=city.home, verifier_url=url))
