"""Further files say what they hold themselves: their rows keep no facts and no time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c8a41f6d20e5"
down_revision = "e8a41c6b9f27"
branch_labels = None
depends_on = None

KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("dataset_derived") as batch_op:
        batch_op.drop_column("made_at")
        batch_op.drop_column("facts")


def downgrade() -> None:
    with op.batch_alter_table("dataset_derived") as batch_op:
        batch_op.add_column(sa.Column("facts", KEPT, nullable=True))
        batch_op.add_column(sa.Column("made_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE dataset_derived SET facts = '{}', made_at = CURRENT_TIMESTAMP "
        "WHERE status = 'ready'"
    )
