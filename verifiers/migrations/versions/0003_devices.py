"""Devices, what they send in, and webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _devices()
    _scans()
    _uses()
    _webhooks()


def _devices() -> None:
    op.create_table(
        "devices",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("pass_types", sa.String(400), nullable=False),
        sa.Column("zones", sa.String(2000), nullable=False),
        sa.Column("shift", sa.String(40), nullable=False),
        sa.Column("invitation", sa.LargeBinary(32), unique=True),
        sa.Column("invited_until", sa.BigInteger),
        sa.Column("token", sa.LargeBinary(32), unique=True),
        sa.Column("jkt", sa.String(43)),
        sa.Column("agreement_key", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("enrolled_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("last_contact_at", sa.BigInteger),
        sa.Column("reported", sa.Text, nullable=False),
    )
    op.create_table(
        "device_events",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("device_id", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(16)),
        sa.Index("ix_device_events_device_at", "device_id", "at"),
        sa.Index("ix_device_events_at", "at"),
    )


def _scans() -> None:
    op.create_table(
        "scans",
        sa.Column("nonce", sa.LargeBinary(16), primary_key=True),
        sa.Column("device_id", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("pass_type", sa.String(64)),
        sa.Column("zone", sa.String(8)),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Index("ix_scans_type_at", "pass_type", "at"),
    )
    op.create_table(
        "scan_counts",
        sa.Column("hour", sa.BigInteger, primary_key=True),
        sa.Column("zone", sa.String(8), primary_key=True),
        sa.Column("pass_type", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("outcome", sa.String(16), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("device_id", sa.String(16), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("encrypted", sa.Text, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
    )


def _uses() -> None:
    op.create_table(
        "use_keys",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("sealed_key", sa.LargeBinary(64), nullable=False),
    )
    op.create_table(
        "uses",
        sa.Column("nonce", sa.LargeBinary(16), primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("plate", sa.LargeBinary(16)),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("zone", sa.String(8)),
        sa.Column("device_id", sa.String(16), nullable=False),
        sa.Index("ix_uses_day_digest", "day", "digest"),
    )
    op.create_table(
        "use_warnings",
        sa.Column("number", _NUMBER, primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("device_id", sa.String(16), nullable=False),
        sa.Column("nonce", sa.LargeBinary(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("other_at", sa.BigInteger, nullable=False),
        sa.Column("other_zone", sa.String(8)),
        sa.Column("told_at", sa.BigInteger),
        sa.UniqueConstraint("nonce", "kind", name="uq_use_warnings_nonce_kind"),
        sa.Index("ix_use_warnings_device", "device_id", "told_at"),
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(80), nullable=False),
        sa.Column("events", sa.String(400), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
    )
    op.create_table(
        "webhook_messages",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("webhook_id", sa.String(12), sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("delivered_at", sa.BigInteger),
        sa.Column("answer", sa.String(40), nullable=False),
        sa.Index("ix_webhook_messages_next", "next_at"),
        sa.Index("ix_webhook_messages_webhook", "webhook_id", "created_at"),
    )


def downgrade() -> None:
    for name in ("webhook_messages", "webhooks", "use_warnings", "uses", "use_keys"):
        op.drop_table(name)
    for name in ("cases", "scan_counts", "scans", "device_events", "devices"):
        op.drop_table(name)
