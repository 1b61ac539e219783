"""The verifying service's migrations make exactly the tables that the code declares, on both databases, and back."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from verifiers.models import METADATA
from web.database import create_engine_for, read_transaction
from web.migrations import upgrade


def test_the_migrated_schema_is_the_declared_one(database_url: str) -> None:
    engine = create_engine_for(database_url)
    upgrade(engine, "verifiers.migrations")
    upgrade(engine, "verifiers.migrations")  # a second start finds nothing to do
    with read_transaction(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()
