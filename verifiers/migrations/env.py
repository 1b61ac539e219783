"""Run by Alembic; see `web.database.upgrade`."""

from verifiers.models import METADATA
from web.database import run_migrations

run_migrations(METADATA)
