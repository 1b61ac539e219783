"""Run by Alembic; see `web.database.upgrade`."""

from issuers.models import metadata
from web.database import run_migrations

run_migrations(metadata)
