"""Answers that were given elsewhere: nobody may know how long they took."""

import sqlalchemy as sa
from alembic import op

revision = "c41e7a90b6d5"
down_revision = "5d81c07f3e92"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("given_answers") as table:
        table.alter_column("total_ms", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    op.execute("UPDATE given_answers SET total_ms = 0 WHERE total_ms IS NULL")
    with op.batch_alter_table("given_answers") as table:
        table.alter_column("total_ms", existing_type=sa.BigInteger(), nullable=False)
