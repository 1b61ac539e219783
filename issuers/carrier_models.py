"""Further tables of the issuing service: what carriers hold of a pass, who is told of changes, and how far that is."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from issuers.models import RowNumber, metadata

_LIVE = text("ended_at IS NULL")

# A pass as one wallet carries it. When a phone is lost its copy ends and the next offer makes another one, so that the
# lost phone never hears of the new one. `secret` is Apple's authenticationToken.
copies = Table(
    "copies",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("serial", String(32), ForeignKey("passes.serial", ondelete="CASCADE"), nullable=False),
    Column("carrier", String(16), nullable=False),
    Column("number", BigInteger, nullable=False),  # 1, 2, …; after a restore from its second on
    Column("secret", String(43), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),  # when its carrier was last told of a change
    Column("tag", BigInteger, nullable=False),  # of that change; rises over all copies
    Column("ended_at", BigInteger),
    Column("saved_at", BigInteger),  # as the wallet's maker told us
    Column("removed_at", BigInteger),
    UniqueConstraint("serial", "carrier", "number"),
    Index("uq_copies_live", "serial", "carrier", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)

# Numbers that rise in the order of commits: whoever takes one holds its row until the transaction ends.
counters = Table(
    "counters",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

apple_devices = Table(
    "apple_devices",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("library_identifier", String(64), nullable=False),
    Column("push_token", String(200), nullable=False),
    Column("registered_at", BigInteger, nullable=False),  # milliseconds: when the push token was last told
    UniqueConstraint("library_identifier"),
    Index("ix_apple_devices_push_token", "push_token"),
)

apple_registrations = Table(
    "apple_registrations",
    metadata,
    Column("device_id", BigInteger, ForeignKey("apple_devices.id", ondelete="CASCADE"), primary_key=True),
    Column("copy_id", BigInteger, ForeignKey("copies.id", ondelete="CASCADE"), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_apple_registrations_copy", "copy_id"),
)

# Google's callbacks that were heard: each once.
google_nonces = Table(
    "google_nonces",
    metadata,
    Column("nonce", String(64), primary_key=True),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_google_nonces_expires_at", "expires_at"),
)

# The reminders that were given, so that each is given once.
reminders = Table(
    "reminders",
    metadata,
    Column("serial", String(32), ForeignKey("passes.serial", ondelete="CASCADE"), primary_key=True),
    Column("valid_until", Date, primary_key=True),
    Column("days", SmallInteger, primary_key=True),
    Column("given_at", BigInteger, nullable=False),
)

print_batches = Table(
    "print_batches",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("created_at", BigInteger, nullable=False),
    Column("letters", Integer, nullable=False),
    Column("campaign", BigInteger),
    Column("printed_at", BigInteger),
    Column("file_name", String(80)),
)

# Which letter stands where in a batch: the batch is always printed with the same letters.
print_letters = Table(
    "print_letters",
    metadata,
    Column("batch_id", BigInteger, ForeignKey("print_batches.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("serial", String(32), nullable=False),
    Column("occasion", Text, nullable=False),
    Column("code", String(40)),  # why it could not be printed
    Index("ix_print_letters_serial", "serial"),
)

# A list that is imported by the workers, and everything that follows from it.
campaigns = Table(
    "campaigns",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("name", String(80), nullable=False),
    Column("type", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("actor", String(80), nullable=False),
    Column("inform", String(16), nullable=False),
    Column("options", Text, nullable=False),
    Column("total", Integer, nullable=False),  # rows of the list
    Column("position", Integer, nullable=False),  # rows that are dealt with
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("code", String(40)),  # why it stopped
)

# The list itself, in pieces: personal data, gone when all is read or the campaign ends.
campaign_lists = Table(
    "campaign_lists",
    metadata,
    Column("campaign_id", BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("piece", LargeBinary, nullable=False),
)

COLUMN_NAME = 40  # characters kept of a list's column name

campaign_rows = Table(
    "campaign_rows",
    metadata,
    Column("campaign_id", BigInteger, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("serial", String(32)),
    Column("outcome", String(12), nullable=False),
    Column("code", String(40), nullable=False),
    Column("list_column", String(COLUMN_NAME), nullable=False),  # where a row failed; empty: as a whole, or not at all
    Column("list_number", String(64), nullable=False),  # of a row that failed, if it has one
    Index("ix_campaign_rows_serial", "campaign_id", "serial"),
)
