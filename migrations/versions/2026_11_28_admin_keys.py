"""An admin key beside a connection's own: sealed, its end, and when it was entered."""

import sqlalchemy as sa
from alembic import op

revision = "b4e8c2a91d37"
down_revision = "a7d3f5c81e20"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("connections") as batch_op:
        batch_op.add_column(sa.Column("sealed_admin_key", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("admin_key_hint", sa.String(length=8), nullable=True))
        at = sa.DateTime(timezone=True)
        batch_op.add_column(sa.Column("admin_key_set_at", at, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("connections") as batch_op:
        batch_op.drop_column("admin_key_set_at")
        batch_op.drop_column("admin_key_hint")
        batch_op.drop_column("sealed_admin_key")
