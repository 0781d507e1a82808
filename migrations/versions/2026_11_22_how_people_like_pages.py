"""How people like the pages: theme, time zone, keys, the tour."""

import sqlalchemy as sa
from alembic import op

revision = "5be0c7d1a942"
down_revision = "4d7a90c3be12"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without batches: SQLite adds columns in place; copying the table would follow its cascades.
    op.add_column(
        "users", sa.Column("theme", sa.String(length=8), server_default="system", nullable=False)
    )
    op.add_column("users", sa.Column("time_zone", sa.String(length=64), nullable=True))
    for name in ("has_single_keys", "is_touring"):
        op.add_column(
            "users", sa.Column(name, sa.Boolean(), server_default=sa.true(), nullable=False)
        )


def downgrade() -> None:
    for name in ("is_touring", "has_single_keys", "time_zone", "theme"):
        op.drop_column("users", name)
