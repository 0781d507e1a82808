"""Answers are kept while they arrive: the ticket of whoever listens to the model."""

import sqlalchemy as sa
from alembic import op

revision = "c4d81f6a02be"
down_revision = "26f605027b40"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("answers") as batch_op:
        batch_op.add_column(sa.Column("ticket", sa.String(32), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_answers_ticket"), ["ticket"])


def downgrade() -> None:
    with op.batch_alter_table("answers") as batch_op:
        batch_op.drop_constraint(op.f("uq_answers_ticket"), type_="unique")
        batch_op.drop_column("ticket")
