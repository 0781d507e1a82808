"""What a test of a connection found, with its date; when its key was entered; who tested lately."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "b7d40e91c2a6"
down_revision = "5b0d7e93a4c1"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("connections") as batch_op:
        batch_op.add_column(sa.Column("key_set_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("account", JSON, nullable=True))
        batch_op.add_column(sa.Column("account_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE connections SET key_set_at = created_at")
    op.create_table(
        "connection_tests",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_connection_tests_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection_tests")),
    )
    with op.batch_alter_table("connection_tests") as batch_op:
        batch_op.create_index(batch_op.f("ix_connection_tests_at"), ["at"])


def downgrade() -> None:
    op.drop_table("connection_tests")
    with op.batch_alter_table("connections") as batch_op:
        batch_op.drop_column("account_at")
        batch_op.drop_column("account")
        batch_op.drop_column("key_set_at")
