"""Whoever has been told what others said in a round of grading grades no more in it."""

import sqlalchemy as sa
from alembic import op

revision = "8b3e6d1c2f40"
down_revision = "5d1f0c7a9e36"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("round_people", sa.Column("done_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("round_people", "done_at")
