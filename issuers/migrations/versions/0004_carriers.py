"""What carriers hold, who is told of changes, and an outbox that several workers share.

Whatever an older process writes beside this schema stays right: new columns have defaults, nothing is taken away.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("due_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("claim", sa.String(32)),
        sa.Column("failed_at", sa.BigInteger),
        sa.Column("code", sa.String(40)),
        sa.Column("campaign", sa.BigInteger),
        sa.Column("failing_for", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("outbox", column)
    due, pending = sa.text("done_at IS NULL AND failed_at IS NULL"), sa.text("done_at IS NULL")
    op.create_index("ix_outbox_due", "outbox", ["kind", "due_at", "id"], sqlite_where=due, postgresql_where=due)
    op.create_index("ix_outbox_claim", "outbox", ["claim"], sqlite_where=pending, postgresql_where=pending)
    of_campaign = sa.text("campaign IS NOT NULL")
    open_of_campaign = sa.text("campaign IS NOT NULL AND done_at IS NULL AND failed_at IS NULL")
    for name, columns, where in (
        ("ix_outbox_campaign", ["campaign", "subject"], of_campaign),
        ("ix_outbox_campaign_open", ["campaign"], open_of_campaign),
    ):
        op.create_index(name, "outbox", columns, sqlite_where=where, postgresql_where=where)
    valid = sa.text("status = 0")
    ending = ["type", "valid_until", "serial"]
    op.create_index("ix_passes_ending", "passes", ending, sqlite_where=valid, postgresql_where=valid)
    op.add_column("status_lists", sa.Column("kept", sa.LargeBinary))
    op.execute("INSERT INTO installation (name, value) VALUES ('oldest_code', '0003')")
    _copies()
    _devices()
    _reminders_and_letters()
    _campaigns()


def _copies() -> None:
    op.create_table(
        "copies",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("carrier", sa.String(16), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("secret", sa.String(43), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("tag", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("saved_at", sa.BigInteger),
        sa.Column("removed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_copies"),
        sa.ForeignKeyConstraint(["serial"], ["passes.serial"], name="fk_copies_serial", ondelete="CASCADE"),
        sa.UniqueConstraint("serial", "carrier", "number", name="uq_copies_serial_carrier_number"),
    )
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_copies_live", "copies", ["serial", "carrier"], unique=True, sqlite_where=live, postgresql_where=live
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )


def _devices() -> None:
    op.create_table(
        "apple_devices",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("library_identifier", sa.String(64), nullable=False),
        sa.Column("push_token", sa.String(200), nullable=False),
        sa.Column("registered_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_apple_devices"),
        sa.UniqueConstraint("library_identifier", name="uq_apple_devices_library_identifier"),
    )
    op.create_index("ix_apple_devices_push_token", "apple_devices", ["push_token"])
    op.create_table(
        "apple_registrations",
        sa.Column("device_id", sa.BigInteger, nullable=False),
        sa.Column("copy_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("device_id", "copy_id", name="pk_apple_registrations"),
        sa.ForeignKeyConstraint(
            ["device_id"], ["apple_devices.id"], name="fk_apple_registrations_device_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["copy_id"], ["copies.id"], name="fk_apple_registrations_copy_id", ondelete="CASCADE"),
    )
    op.create_index("ix_apple_registrations_copy", "apple_registrations", ["copy_id"])
    op.create_table(
        "google_nonces",
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("nonce", name="pk_google_nonces"),
    )
    op.create_index("ix_google_nonces_expires_at", "google_nonces", ["expires_at"])


def _reminders_and_letters() -> None:
    op.create_table(
        "reminders",
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("days", sa.SmallInteger, nullable=False),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("serial", "valid_until", "days", name="pk_reminders"),
        sa.ForeignKeyConstraint(["serial"], ["passes.serial"], name="fk_reminders_serial", ondelete="CASCADE"),
    )
    op.create_table(
        "print_batches",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("letters", sa.Integer, nullable=False),
        sa.Column("campaign", sa.BigInteger),
        sa.Column("printed_at", sa.BigInteger),
        sa.Column("file_name", sa.String(80)),
        sa.PrimaryKeyConstraint("id", name="pk_print_batches"),
    )
    op.create_table(
        "print_letters",
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("code", sa.String(40)),
        sa.PrimaryKeyConstraint("batch_id", "position", name="pk_print_letters"),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["print_batches.id"], name="fk_print_letters_batch_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_print_letters_serial", "print_letters", ["serial"])


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("inform", sa.String(16), nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("code", sa.String(40)),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
    )
    op.create_table(
        "campaign_lists",
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("piece", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "number", name="pk_campaign_lists"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_campaign_lists_campaign_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "campaign_rows",
        sa.Column("campaign_id", sa.BigInteger, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("serial", sa.String(32)),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("list_column", sa.String(40), nullable=False),
        sa.Column("list_number", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "line", name="pk_campaign_rows"),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name="fk_campaign_rows_campaign_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_campaign_rows_serial", "campaign_rows", ["campaign_id", "serial"])
