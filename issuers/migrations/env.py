"""Run by Alembic; see `web.migrations.upgrade`."""

from issuers.models import metadata
from web.migrations import run_migrations

run_migrations(metadata)
