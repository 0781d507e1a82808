"""Runs that carry no tag and may be of a job whose order is in doubt."""

import sqlalchemy as sa
from alembic import op

revision = "c41d7e9a5b63"
down_revision = "e5a9c3d7f160"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "orphans", sa.Column("is_tagged", sa.Boolean(), nullable=False, server_default=sa.true())
    )


def downgrade() -> None:
    # What carries no tag would be taken for ours.
    op.execute(sa.text("DELETE FROM orphans WHERE NOT is_tagged"))
    op.drop_column("orphans", "is_tagged")
