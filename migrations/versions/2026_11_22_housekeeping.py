"""The row of the instance's housekeeping: what takes space, and what is pruned."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c4e81a7f2d30"
down_revision = "c94e2fd0a718"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "housekeeping",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("is_pruning", sa.Boolean(), nullable=False),
        sa.Column("progress", JSON, nullable=True),
        sa.Column("report", JSON, nullable=True),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pruned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("freed", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housekeeping")),
    )
    with op.batch_alter_table("housekeeping") as batch_op:
        batch_op.create_index(batch_op.f("ix_housekeeping_due_at"), ["due_at"])


def downgrade() -> None:
    op.drop_table("housekeeping")
