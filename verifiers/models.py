"""The verifying service's own tables: tokens, staff, devices and their proofs, scans, webhooks. No resident."""

from __future__ import annotations

from sqlalchemy import MetaData

from verifiers.devices.tables import device_tables
from verifiers.scans.tables import scan_tables
from verifiers.webhooks.tables import webhook_tables
from web.dpop import proofs_table
from web.staff.tables import staff_tables
from web.tokens import tokens_table

METADATA = MetaData()
TOKENS = tokens_table(METADATA)
STAFF = staff_tables(METADATA)
DEVICES = device_tables(METADATA)
PROOFS = proofs_table(METADATA)
SCANS = scan_tables(METADATA)
WEBHOOKS = webhook_tables(METADATA)
