"""A new or changed connection is tested by a worker: when that is due."""

import sqlalchemy as sa
from alembic import op

revision = "e2a6c07b4d19"
down_revision = "c91e6a20d7f8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("connections") as batch_op:
        batch_op.add_column(sa.Column("test_due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_connections_test_due_at"), ["test_due_at"])


def downgrade() -> None:
    with op.batch_alter_table("connections") as batch_op:
        batch_op.drop_index(batch_op.f("ix_connections_test_due_at"))
        batch_op.drop_column("test_due_at")
