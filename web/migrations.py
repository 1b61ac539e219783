"""Bringing a database's schema up to date. Apart from `web.database`, so that only who migrates loads Alembic.

Source: Alembic, "Sharing a Connection across one or more programmatic migration commands".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData

from web.database import WRITES, revision, translated

_MIGRATION_LOCK = 0x57A11E7  # any number, the same for every process that migrates


def upgrade(engine: Engine, package: str) -> None:
    """Bring the schema to the newest revision of `package` (such as `issuers.migrations`).

    All revisions run in one transaction under a lock: of two processes that start at once the second waits and finds
    nothing to do. What a newer program left stays as it is. The package's `env.py` calls `run_migrations`.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise LookupError(f"no package {package}")
    config = Config()
    config.set_main_option("script_location", found.submodule_search_locations[0].replace("%", "%%"))
    with translated(), engine.connect() as connection, _foreign_keys_asleep(connection):
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            there, ours = revision(connection), ScriptDirectory.from_config(config)
            if there is None or any(there == known.revision for known in ours.walk_revisions()):
                config.attributes["connection"] = connection
                command.upgrade(config, "head")


@contextmanager
def _foreign_keys_asleep(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by copying and dropping it, which would delete the rows that refer to it.

    The pragma does nothing inside a transaction, so it is set around it, on the driver's connection
    (sqlite.org/lang_altertable.html, section 7).
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def run_migrations(metadata: MetaData) -> None:
    """The body of every `env.py`: run the revisions in the caller's transaction."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
    context.run_migrations()
