"""How likely each token of an answer was."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "e8a41c6b9f27"
down_revision = "d5b90e7c3a16"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("answers") as answers:
        kind = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
        answers.add_column(sa.Column("chances", kind, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("answers") as answers:
        answers.drop_column("chances")
