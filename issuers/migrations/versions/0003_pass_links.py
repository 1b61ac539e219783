"""Links to pass pages: what opens one is kept as a digest only."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pass_links",
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("sha256", name="pk_pass_links"),
        sa.ForeignKeyConstraint(["serial"], ["passes.serial"], name="fk_pass_links_serial", ondelete="CASCADE"),
    )
    live = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_pass_links_live", "pass_links", ["serial"], unique=True, sqlite_where=live, postgresql_where=live
    )
