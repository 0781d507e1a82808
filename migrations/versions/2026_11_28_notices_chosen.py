"""How each person wants to hear of what, and of which projects they want no mail."""

import sqlalchemy as sa
from alembic import op

revision = "d7b2f94c1a08"
down_revision = "d3a8f60b5c17"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(column: str, target: str, table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "notice_choices",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("about", sa.String(32), nullable=False),
        sa.Column("in_app", sa.Boolean(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        _key("user_id", "users.id", "notice_choices"),
        sa.PrimaryKeyConstraint("user_id", "about", name=op.f("pk_notice_choices")),
    )
    op.create_table(
        "notice_mutes",
        sa.Column("project_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        _key("project_id", "projects.id", "notice_mutes"),
        _key("user_id", "users.id", "notice_mutes"),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_notice_mutes")),
    )
    op.create_index(op.f("ix_notice_mutes_user_id"), "notice_mutes", ["user_id"])


def downgrade() -> None:
    op.drop_table("notice_mutes")
    op.drop_table("notice_choices")
