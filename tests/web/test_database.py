"""Opening databases, transactions and migrations, on real files and with real threads."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from web import database
from web.database import (
    DatabaseBusy,
    DatabaseUnavailable,
    create_engine_for,
    read_transaction,
    write_transaction,
)
from web.migrations import upgrade


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = create_engine_for(f"sqlite:///{tmp_path}/deep/city.db")
    with write_transaction(engine) as connection:
        connection.execute(text("CREATE TABLE parents (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE children (parent INTEGER REFERENCES parents (id) ON DELETE CASCADE)"))
    return engine


def test_a_new_database_file_and_its_folder_are_readable_by_their_owner_only(engine: Engine) -> None:
    file = Path(engine.url.database or "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_sqlite_connection_logs_ahead_and_enforces_foreign_keys(engine: Engine) -> None:
    with read_transaction(engine) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
        assert connection.execute(text("PRAGMA busy_timeout")).scalar_one() == 10_000


def test_an_exception_rolls_a_write_back(engine: Engine) -> None:
    def fail_midway() -> None:
        with write_transaction(engine) as connection:
            connection.execute(text("INSERT INTO parents VALUES (1)"))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail_midway()
    with read_transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM parents")).scalar_one() == 0


def test_writers_that_read_first_wait_for_each_other_and_lose_nothing(engine: Engine) -> None:
    with write_transaction(engine) as connection:
        connection.execute(text("INSERT INTO parents VALUES (0)"))

    def add_ten() -> None:
        for _ in range(10):
            with write_transaction(engine) as connection:
                last = connection.execute(text("SELECT max(id) FROM parents")).scalar_one()
                connection.execute(text("INSERT INTO parents VALUES (:id)"), {"id": last + 1})

    threads = [threading.Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with read_transaction(engine) as connection:
        assert connection.execute(text("SELECT max(id) FROM parents")).scalar_one() == 40


def test_a_second_writer_that_waits_in_vain_gets_a_clear_sentence(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.05)
    second = create_engine_for(str(engine.url))
    with (
        write_transaction(engine),
        pytest.raises(DatabaseBusy, match="try again") as refusal,
        write_transaction(second),
    ):
        pass
    assert refusal.value.code == "database_busy"


@pytest.mark.parametrize("url", ["", "mysql://host/city", "sqlite://", "sqlite:////proc/none/city.db"])
def test_a_url_that_is_no_usable_database_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as refusal:
        create_engine_for(url)
    assert refusal.value.sentence.endswith(".") or "…" in refusal.value.sentence


def test_an_unreachable_server_is_unavailable_and_not_an_accident() -> None:
    engine = create_engine_for("postgresql://nobody@127.0.0.1:1/city?connect_timeout=1")
    with pytest.raises(DatabaseUnavailable), read_transaction(engine):
        pass


def test_migrating_in_several_threads_at_once_ends_in_one_schema(tmp_path: Path) -> None:
    failures: list[BaseException] = []

    def migrate() -> None:
        try:
            upgrade(create_engine_for(f"sqlite:///{tmp_path}/verifier.db"), "verifiers.migrations")
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with read_transaction(create_engine_for(f"sqlite:///{tmp_path}/verifier.db")) as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
        assert connection.execute(text("SELECT count(*) FROM tokens")).scalar_one() == 0
