"""The verifying service's own database, opened with the newest schema."""

from __future__ import annotations

from sqlalchemy import Engine

from verifiers.settings import VerifierSettings
from web.database import create_engine_for
from web.migrations import upgrade


def open_database(settings: VerifierSettings) -> Engine:
    """SQLite in `verifier/verifier.db`, made when it is not there, or the database of the setting."""
    engine = create_engine_for(settings.database_url)
    upgrade(engine, "verifiers.migrations")
    return engine
