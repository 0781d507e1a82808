"""Datasets and models can be put out of their lists."""

import sqlalchemy as sa
from alembic import op

from app.core.orm import Instant

revision = "c91e6a20d7f8"
down_revision = "b3d0f5a7c914"
branch_labels = None
depends_on = None

TABLES = ("datasets", "tuned_models")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("archived_at", Instant(timezone=True), nullable=True))


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("archived_at")
