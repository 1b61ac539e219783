"""Opening a database: SQLite embedded or PostgreSQL by URL, and transactions that say what they are for.

Sources: SQLAlchemy 2.1, "SQLite: serializable isolation" (the driver must not begin transactions by itself);
sqlite.org/lang_transaction.html (a deferred read-then-write fails at once, despite the busy timeout).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from keys.atomic_file import PRIVATE_FILE, PRIVATE_FOLDER
from keys.errors import WalletPassError

BUSY_TIMEOUT = 10.0  # seconds another writer is waited for
WRITES = "walletpass_writes"  # the execution option of a connection whose transactions write


class DatabaseUnavailable(WalletPassError):
    """The database cannot be reached, opened or written at this moment."""

    code = "database_unavailable"


class DatabaseBusy(DatabaseUnavailable):
    """Another process kept writing for longer than the busy timeout."""

    code = "database_busy"


def create_engine_for(url: str) -> Engine:
    """An engine for `sqlite:///file` or `postgresql://…`; raises `DatabaseUnavailable` for anything else.

    A new SQLite file is created with mode 0600, and its folder with 0700, because it will hold personal data.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnavailable("The database URL cannot be read; write sqlite:///file or postgresql://…") from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.get_backend_name() != "postgresql":
        raise DatabaseUnavailable("Only sqlite:///file and postgresql://… are database URLs that are known here.")
    try:
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=32,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except (ArgumentError, NoSuchModuleError):
        raise DatabaseUnavailable("The database URL cannot be used with PostgreSQL.") from None


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseUnavailable("A SQLite database needs a file: several connections share it.")
    file = Path(url.database)
    try:
        file.parent.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        file.touch(PRIVATE_FILE)
    except OSError as failure:
        raise DatabaseUnavailable(f"The database file cannot be created: {failure.strerror}.") from failure
    engine = create_engine(
        url, connect_args={"timeout": BUSY_TIMEOUT}, pool_size=8, max_overflow=32, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; _begin_sqlite does
    connection.execute("PRAGMA foreign_keys = ON")
    _switch_to_wal(connection)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Changing the journal mode ignores the busy timeout, so two processes that start at once must try again."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that may write: begun at once, committed at the end, rolled back by any exception.

    Raises `DatabaseBusy` when another writer does not finish in time, `DatabaseUnavailable` when the database fails.
    """
    with translated(), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def read_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads; on SQLite all its reads see the same state."""
    with translated(), engine.connect() as connection, connection.begin():
        yield connection


def insert_missing(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless one with its key is there; of two that come at once the second changes nothing.

    Whether it was inserted.
    """
    missing = _own_insert(connection, table, row).on_conflict_do_nothing()
    return connection.execute(missing, execution_options={"preserve_rowcount": True}).rowcount > 0


def insert_or_replace(connection: Connection, table: Table, row: Mapping[str, Any], key: str) -> None:
    """Insert a row; where one has its unique `key` already, that one takes over the values, and is locked."""
    inserted = _own_insert(connection, table, row)
    values = {name: inserted.excluded[name] for name in row if name != key}
    connection.execute(inserted.on_conflict_do_update(index_elements=[key], set_=values))


def _own_insert(connection: Connection, table: Table, row: Mapping[str, Any]) -> Any:
    own_insert: Callable[[Table], Any] = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    return own_insert(table).values(row)


@contextmanager
def translated() -> Iterator[None]:
    """The driver's failures as `DatabaseBusy` or `DatabaseUnavailable`."""
    try:
        yield
    except OperationalError as failure:
        code = getattr(failure.orig, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise DatabaseBusy("Another process is writing to the database; try again in a moment.") from failure
        if code == sqlite3.SQLITE_FULL:
            raise DatabaseUnavailable("The disk is full: nothing was changed. Make room and try again.") from failure
        raise DatabaseUnavailable("The database cannot be reached or used at this moment.") from failure


def revision(connection: Connection) -> str | None:
    """The schema's revision that `web.migrations` left, or None where nothing is set up. Needs no Alembic."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found
