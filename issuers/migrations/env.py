"""Run by Alembic; see `web.migrations.upgrade`."""

from issuers import carrier_models  # noqa: F401 - its tables join the others
from issuers.models import metadata
from web.migrations import run_migrations

run_migrations(metadata)
