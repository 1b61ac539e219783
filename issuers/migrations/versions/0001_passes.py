"""Passes, holders, credentials, status lists, audit, outbox and tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOT_FINAL = sa.text("status <> 1")
NOT_VALID = sa.text("effective_status <> 0")
PENDING = sa.text("done_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("action", sa.String(24), nullable=False),
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_serial", "audit", ["serial"])

    op.create_table(
        "idempotency_keys",
        sa.Column("token_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("token_id", "key", name="pk_idempotency_keys"),
    )
    op.create_table(
        "installation",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_installation"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_pending", "outbox", ["kind", "subject", "id"], sqlite_where=PENDING, postgresql_where=PENDING
    )

    op.create_table(
        "passes",
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("external_number", sa.String(64), nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("claims", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_passes"),
    )
    op.create_index("ix_passes_any_number", "passes", ["type", "external_number"])
    op.create_index(
        "uq_passes_number",
        "passes",
        ["type", "external_number"],
        unique=True,
        sqlite_where=NOT_FINAL,
        postgresql_where=NOT_FINAL,
    )

    op.create_table(
        "publications",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_publications"),
    )
    op.create_table(
        "status_lists",
        sa.Column("id", sa.String(8), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("seed", sa.LargeBinary, nullable=False),
        sa.Column("allocated", sa.Integer, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_status_lists"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("scopes", sa.String(2000), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("sha256", name="uq_tokens_sha256"),
    )
    op.create_table(
        "credentials",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("carrier", sa.String(16), nullable=False),
        sa.Column("holder_position", sa.SmallInteger),
        sa.Column("holder_key", sa.LargeBinary),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("type_version", sa.SmallInteger, nullable=False),
        sa.Column("list_id", sa.String(8), nullable=False),
        sa.Column("status_index", sa.Integer, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("effective_status", sa.SmallInteger, nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("kid", sa.LargeBinary, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("valid_until", sa.BigInteger, nullable=False),
        sa.Column("encoded", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["status_lists.id"], name="fk_credentials_list_id"),
        sa.ForeignKeyConstraint(["serial"], ["passes.serial"], name="fk_credentials_serial", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name="pk_credentials"),
        sa.UniqueConstraint("list_id", "status_index", name="uq_credentials_list_id_status_index"),
    )
    op.create_index(
        "ix_credentials_not_valid",
        "credentials",
        ["list_id", "status_index", "effective_status"],
        sqlite_where=NOT_VALID,
        postgresql_where=NOT_VALID,
    )
    op.create_index("ix_credentials_serial", "credentials", ["serial", "carrier"])

    op.create_table(
        "holders",
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("position", sa.SmallInteger, nullable=False),
        sa.Column("given_name", sa.Text, nullable=False),
        sa.Column("family_name", sa.Text, nullable=False),
        sa.Column("date_of_birth", sa.Date),
        sa.Column("street", sa.Text, nullable=False),
        sa.Column("postcode", sa.Text, nullable=False),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.ForeignKeyConstraint(["serial"], ["passes.serial"], name="fk_holders_serial", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("serial", "position", name="pk_holders"),
    )


def downgrade() -> None:
    for table in (
        "holders",
        "credentials",
        "tokens",
        "status_lists",
        "publications",
        "passes",
        "outbox",
        "installation",
        "idempotency_keys",
        "audit",
    ):
        op.drop_table(table)
