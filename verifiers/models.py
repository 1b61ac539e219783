"""The verifying service's own tables: its callers' tokens and its staff. It knows no resident."""

from __future__ import annotations

from sqlalchemy import MetaData

from web.staff.tables import staff_tables
from web.tokens import tokens_table

METADATA = MetaData()
TOKENS = tokens_table(METADATA)
STAFF = staff_tables(METADATA)
