"""A project's library of graders, kept in versions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "b7d2e90c4a18"
down_revision = "e2f7a90c41bd"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)


def _key(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "graders",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        _key("graders", "project_id", "projects", "CASCADE"),
        _key("graders", "created_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_graders")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_graders_project_id_name")),
    )
    op.create_table(
        "grader_versions",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("grader_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("settings", KEPT, nullable=False),
        sa.Column("connection_id", ID, nullable=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        _key("grader_versions", "project_id", "projects", "CASCADE"),
        _key("grader_versions", "grader_id", "graders", "CASCADE"),
        _key("grader_versions", "connection_id", "connections", "SET NULL"),
        _key("grader_versions", "created_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grader_versions")),
        sa.UniqueConstraint(
            "grader_id", "number", name=op.f("uq_grader_versions_grader_id_number")
        ),
    )
    for column in ("project_id", "connection_id"):
        op.create_index(op.f(f"ix_grader_versions_{column}"), "grader_versions", [column])


def downgrade() -> None:
    op.drop_table("grader_versions")
    op.drop_table("graders")
