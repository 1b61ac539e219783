"""Plate lists: their days and sealed keys, the slow digests, and who is given the keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plate_days",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("iterations", sa.Integer, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_plate_days"),
    )
    op.create_table(
        "plate_digests",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("plate", sa.String(40), nullable=False),
        sa.Column("stretched", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("day", "plate", name="pk_plate_digests"),
    )
    op.create_table(
        "plate_recipients",
        sa.Column("id", sa.String(43), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("jwk", sa.Text, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_plate_recipients"),
    )
