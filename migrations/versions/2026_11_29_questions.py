"""Questions about pairs know what they cost at most, and why they have no reply."""

import sqlalchemy as sa
from alembic import op

revision = "9c3b51e8d706"
down_revision = "e07b92d4f1c3"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("duels") as table:
        table.add_column(sa.Column("held", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("error", sa.Text(), nullable=True))
        table.alter_column("tries", existing_type=sa.BigInteger(), server_default="0")
    op.execute("UPDATE duels SET error = fault, fault = NULL WHERE status <> 'judged'")


def downgrade() -> None:
    op.execute("UPDATE duels SET fault = error WHERE status <> 'judged'")
    with op.batch_alter_table("duels") as table:
        table.alter_column("tries", existing_type=sa.BigInteger(), server_default=None)
        table.drop_column("error")
        table.drop_column("held")
