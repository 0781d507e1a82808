"""What the instance's owner says of dates; which of the listed models can be tuned, and when the
lists are read again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "b4e19c7d2a60"
down_revision = "b8e4a6d92f31"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "owners_dates",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=True),
        sa.Column("is_added", sa.Boolean(), nullable=False),
        sa.Column("profile", sa.String(64), nullable=True),
        sa.Column("kind", sa.String(16), nullable=True),
        sa.Column("models", JSON, nullable=True),
        sa.Column("title", sa.String(200), nullable=True),
        sa.Column("changed_by", ID, nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["changed_by"],
            ["users.id"],
            name=op.f("fk_owners_dates_changed_by"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners_dates")),
        sa.UniqueConstraint("key", name=op.f("uq_owners_dates_key")),
    )
    with op.batch_alter_table("connections") as batch_op:
        batch_op.add_column(sa.Column("models_due_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("base_models") as batch_op:
        batch_op.add_column(
            sa.Column("can_tune", sa.Boolean(), nullable=False, server_default=sa.true())
        )


def downgrade() -> None:
    with op.batch_alter_table("base_models") as batch_op:
        batch_op.drop_column("can_tune")
    with op.batch_alter_table("connections") as batch_op:
        batch_op.drop_column("models_due_at")
    op.drop_table("owners_dates")
