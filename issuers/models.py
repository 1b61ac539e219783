"""The issuing service's tables. Personal data lives in `holders` only (and in what a pass itself must say)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from walletpass.status import Status
from web.tokens import tokens_table

REVISION = "0004"  # the newest in issuers/migrations/versions: the schema below
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives only a plain INTEGER primary key its own row number.
RowNumber = BigInteger().with_variant(Integer, "sqlite")
NOT_FINAL = text(f"status <> {int(Status.INVALID)}")
IS_VALID = text(f"status = {int(Status.VALID)}")  # in words: with a parameter no database takes a partial index
_NOT_VALID = text(f"effective_status <> {int(Status.VALID)}")
_PENDING = text("done_at IS NULL")
_DUE = text("done_at IS NULL AND failed_at IS NULL")
_OF_CAMPAIGN = text("campaign IS NOT NULL")
_CAMPAIGN_OPEN = text("campaign IS NOT NULL AND done_at IS NULL AND failed_at IS NULL")
_NOT_ENDED = text("ended_at IS NULL")

# What may never change once credentials are out: the public URL that is signed into them.
installation = Table(
    "installation",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)

passes = Table(
    "passes",
    metadata,
    Column("serial", String(32), primary_key=True),
    Column("type", String(40), nullable=False),
    Column("external_number", String(64), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date, nullable=False),
    Column("claims", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    # A number is taken until its pass is revoked; then it may be issued again on purpose.
    Index(
        "uq_passes_number",
        "type",
        "external_number",
        unique=True,
        sqlite_where=NOT_FINAL,
        postgresql_where=NOT_FINAL,
    ),
    Index("ix_passes_any_number", "type", "external_number"),
    # Whose end comes near: looked through every day.
    Index("ix_passes_ending", "type", "valid_until", "serial", sqlite_where=IS_VALID, postgresql_where=IS_VALID),
)

holders = Table(
    "holders",
    metadata,
    Column("serial", String(32), ForeignKey("passes.serial", ondelete="CASCADE"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("date_of_birth", Date),
    Column("street", Text, nullable=False),
    Column("postcode", Text, nullable=False),
    Column("city", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("language", String(2), nullable=False),
)

status_lists = Table(
    "status_lists",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("seed", LargeBinary, nullable=False),  # orders the indexes; never leaves the database
    Column("allocated", Integer, nullable=False),
    Column("issued_at", BigInteger, nullable=False),  # iat of the newest published token; strictly rises
    Column("kept", LargeBinary),  # after a restore: entries of credentials that are not here, compressed as in a token
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("serial", String(32), ForeignKey("passes.serial", ondelete="RESTRICT"), nullable=False),
    Column("carrier", String(16), nullable=False),
    Column("holder_position", SmallInteger),
    Column("holder_key", LargeBinary),
    Column("format", String(16), nullable=False),
    Column("type_version", SmallInteger, nullable=False),
    Column("list_id", String(8), ForeignKey("status_lists.id"), nullable=False),
    Column("status_index", Integer, nullable=False),
    Column("status", SmallInteger, nullable=False),  # its own: a lost phone is withdrawn alone
    Column("effective_status", SmallInteger, nullable=False),  # the worse of its own and its pass's
    Column("fingerprint", String(32), nullable=False),  # of what it says: an unchanged pass offers the same bytes
    Column("kid", LargeBinary, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_until", BigInteger, nullable=False),
    Column("encoded", Text, nullable=False),
    UniqueConstraint("list_id", "status_index"),
    Index("ix_credentials_serial", "serial", "carrier"),
    Index(
        "ix_credentials_not_valid",
        "list_id",
        "status_index",
        "effective_status",
        sqlite_where=_NOT_VALID,
        postgresql_where=_NOT_VALID,
    ),
)

# What opens a pass page. The secret itself is in the resident's hands only; a pass has one link at a time.
pass_links = Table(
    "pass_links",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("serial", String(32), ForeignKey("passes.serial", ondelete="CASCADE"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Index("uq_pass_links_live", "serial", unique=True, sqlite_where=_NOT_ENDED, postgresql_where=_NOT_ENDED),
)

publications = Table(
    "publications",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("action", String(24), nullable=False),
    Column("serial", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),  # names of what changed, never values
    Index("ix_audit_serial", "serial"),
)

# What must happen after a commit. A row is the truth until it is done; any process may do it. Who takes a row moves
# `due_at` to the end of its lease: until then nobody else may, and afterwards anybody. Defaults serve older versions.
outbox = Table(
    "outbox",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("kind", String(24), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("detail", Text, nullable=False),  # of a status list: the entries that changed, as `index=value index=value`
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    Column("due_at", BigInteger, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claim", String(32)),
    Column("failed_at", BigInteger),  # for good: the row waits for a person
    Column("code", String(40)),  # why it failed last
    Column("campaign", BigInteger),
    Column("failing_for", BigInteger, nullable=False, server_default="0"),  # seconds of waits after failures
    Index("ix_outbox_pending", "kind", "subject", "id", sqlite_where=_PENDING, postgresql_where=_PENDING),
    Index("ix_outbox_due", "kind", "due_at", "id", sqlite_where=_DUE, postgresql_where=_DUE),
    Index("ix_outbox_claim", "claim", sqlite_where=_PENDING, postgresql_where=_PENDING),
    Index("ix_outbox_campaign", "campaign", "subject", sqlite_where=_OF_CAMPAIGN, postgresql_where=_OF_CAMPAIGN),
    Index("ix_outbox_campaign_open", "campaign", sqlite_where=_CAMPAIGN_OPEN, postgresql_where=_CAMPAIGN_OPEN),
)

# The plate lists of today and tomorrow: what is secret is sealed with the keys' passphrase; gone when the day is over.
plate_days = Table(
    "plate_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("iterations", Integer, nullable=False),
    Column("issued_at", BigInteger, nullable=False),  # iat of the newest list; strictly rises
    Column("fingerprint", String(64), nullable=False),  # of the permits that the newest list holds
)

# What is slow to make, kept for the day: the plates stand in `passes` in any case.
plate_digests = Table(
    "plate_digests",
    metadata,
    Column("day", Date, primary_key=True),
    Column("plate", String(40), primary_key=True),
    Column("stretched", LargeBinary, nullable=False),
)

# The verifying services that are given the plate lists' keys.
plate_recipients = Table(
    "plate_recipients",
    metadata,
    Column("id", String(43), primary_key=True),  # the thumbprint of its receiving key
    Column("name", String(80), nullable=False),
    Column("jwk", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
)

# One answer per key a client chose: a repeated request gets the first answer again.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("token_id", String(32), primary_key=True),
    Column("key", String(80), primary_key=True),
    Column("request_digest", String(64), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("subject", String(40), nullable=False),  # the serial; the answer itself would be personal data
    Column("created_at", BigInteger, nullable=False),
)

tokens = tokens_table(metadata)
