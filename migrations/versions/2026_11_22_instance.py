"""A row that says the instance was restored, and starts nothing until a person says so."""

import sqlalchemy as sa
from alembic import op

revision = "b7d20e5c91fa"
down_revision = "b7d40e91c2a6"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "instance",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("tag", sa.String(length=16), nullable=False),
        sa.Column("backed_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )


def downgrade() -> None:
    op.drop_table("instance")
