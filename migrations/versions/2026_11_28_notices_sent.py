"""Where notices are sent beside the app, what is on its way there, and what became of each try."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a93d1e60c7f5"
down_revision = "c41d7e9a5b63"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
LIST = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _key(column: str, target: str, table: str, on: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete=on)


def upgrade() -> None:
    op.create_table(
        "notice_endpoints",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("topics", LIST, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_old", sa.LargeBinary(), nullable=True),
        sa.Column("old_until", AT, nullable=True),
        sa.Column("failing_since", AT, nullable=True),
        sa.Column("stopped_at", AT, nullable=True),
        sa.Column("stopped_words", sa.Text(), nullable=True),
        _key("project_id", "projects.id", "notice_endpoints"),
        _key("created_by", "users.id", "notice_endpoints", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_endpoints")),
    )
    op.create_index(op.f("ix_notice_endpoints_project_id"), "notice_endpoints", ["project_id"])
    op.create_table(
        "notice_deliveries",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("notice_id", ID, nullable=True),
        sa.Column("endpoint_id", ID, nullable=True),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("message_id", sa.String(40), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("hold_until", AT, nullable=True),
        sa.Column("delivered_at", AT, nullable=True),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("project_id", "projects.id", "notice_deliveries"),
        _key("notice_id", "notices.id", "notice_deliveries"),
        _key("endpoint_id", "notice_endpoints.id", "notice_deliveries"),
        _key("user_id", "users.id", "notice_deliveries"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_deliveries")),
        sa.UniqueConstraint("message_id", name=op.f("uq_notice_deliveries_message_id")),
    )
    for columns in (
        ["due_at"],
        ["notice_id"],
        ["user_id"],
        ["endpoint_id", "id"],
        ["project_id", "created_at"],
    ):
        name = op.f(f"ix_notice_deliveries_{'_'.join(columns)}")
        op.create_index(name, "notice_deliveries", columns)
    op.create_table(
        "delivery_tries",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        _key("delivery_id", "notice_deliveries.id", "delivery_tries"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_tries")),
    )
    op.create_index(op.f("ix_delivery_tries_delivery_id"), "delivery_tries", ["delivery_id"])


def downgrade() -> None:
    for table in ("delivery_tries", "notice_deliveries", "notice_endpoints"):
        op.drop_table(table)
