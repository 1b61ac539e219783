"""The proofs that devices' requests were taken with, for all processes of the service."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proofs",
        sa.Column("identity", sa.LargeBinary(32), primary_key=True),
        sa.Column("forget_at", sa.BigInteger, nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("proofs")
