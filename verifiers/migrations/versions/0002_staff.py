"""Accounts, factors, sessions, pauses and events of the desk's staff."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _account(*, primary_key: bool = False) -> sa.Column[str]:
    target = sa.ForeignKey("staff_accounts.id", ondelete="CASCADE")
    return sa.Column(
        "account_id", sa.String(16), target, primary_key=primary_key, nullable=False, index=not primary_key
    )


def upgrade() -> None:
    op.create_table(
        "staff_accounts",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("user_name", sa.String(64), nullable=False, unique=True),
        sa.Column("display_name", sa.String(80), nullable=False),
        sa.Column("roles", sa.String(400), nullable=False),
        sa.Column("password", sa.String(200), nullable=False),
        sa.Column("start_until", sa.BigInteger),
        sa.Column("totp_key", sa.LargeBinary(64)),
        sa.Column("totp_step", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("disabled_at", sa.BigInteger),
    )
    op.create_table(
        "staff_passkeys",
        sa.Column("id", sa.LargeBinary(1023), primary_key=True),
        _account(),
        sa.Column("public_key", sa.LargeBinary(1024), nullable=False),
        sa.Column("sign_count", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_table(
        "staff_recovery_codes",
        _account(primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False, unique=True),
        _account(),
        sa.Column("stage", sa.SmallInteger, nullable=False),
        sa.Column("device", sa.String(60), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("proved_at", sa.BigInteger, nullable=False),
        sa.Column("totp_offered", sa.LargeBinary(64)),
    )
    op.create_table(
        "staff_delays",
        sa.Column("subject", sa.LargeBinary(32), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_at", sa.BigInteger, nullable=False, index=True),
        sa.Column("free_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "staff_used_challenges",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "staff_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("account_id", sa.String(16)),
        sa.Column("session_id", sa.String(16)),
        sa.Column("network", sa.String(50), nullable=False),
        sa.Column("device", sa.String(60), nullable=False),
        sa.Index("ix_staff_events_account_at", "account_id", "at"),
        sa.Index("ix_staff_events_at", "at"),
    )


def downgrade() -> None:
    names = ("events", "used_challenges", "delays", "sessions", "recovery_codes", "passkeys", "accounts")
    for name in names:
        op.drop_table(f"staff_{name}")
