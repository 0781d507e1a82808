"""When a connection's provider last answered, and how far its allowance of calls is used up."""

import sqlalchemy as sa
from alembic import op

revision = "c94e2fd0a718"
down_revision = "5be0c7d1a942"
branch_labels = None
depends_on = None

COLUMNS = ("answered_at", "calls_spent_until")


def upgrade() -> None:
    with op.batch_alter_table("connections") as batch_op:
        for name in COLUMNS:
            batch_op.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE connections SET answered_at = checked_at WHERE words IS NULL AND refused_at IS NULL"
    )


def downgrade() -> None:
    with op.batch_alter_table("connections") as batch_op:
        for name in reversed(COLUMNS):
            batch_op.drop_column(name)
