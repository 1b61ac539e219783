"""Run by Alembic; see `web.migrations.upgrade`."""

from verifiers.models import METADATA
from web.migrations import run_migrations

run_migrations(METADATA)
