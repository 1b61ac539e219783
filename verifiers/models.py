"""The verifying service's own tables: its callers' tokens and nothing else. It knows no resident."""

from __future__ import annotations

from sqlalchemy import MetaData

from web.tokens import tokens_table

METADATA = MetaData()
TOKENS = tokens_table(METADATA)
