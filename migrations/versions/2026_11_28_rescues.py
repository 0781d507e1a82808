"""Rescues, one part for each connection, and the manifest of what came home."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a7d3f5c81e20"
down_revision = "e2a6c07b4d19"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)


def _key(column: str, target: str, ondelete: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def upgrade() -> None:
    op.create_table(
        "rescues",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("with_completions", sa.Boolean(), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        _key("project_id", "projects.id", "CASCADE", "rescues"),
        _key("created_by", "users.id", "SET NULL", "rescues"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescues")),
    )
    op.create_index(op.f("ix_rescues_project_id"), "rescues", ["project_id"])
    op.create_table(
        "rescue_parts",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("rescue_id", ID, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("is_asked_for", sa.Boolean(), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("place", JSON, nullable=False),
        sa.Column("kinds", JSON, nullable=False),
        sa.Column("pace", sa.Double(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("looked_at", AT, nullable=True),
        sa.Column("fetched_at", AT, nullable=True),
        sa.Column("verified_at", AT, nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("changed_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("rescue_id", "rescues.id", "CASCADE", "rescue_parts"),
        _key("project_id", "projects.id", "CASCADE", "rescue_parts"),
        _key("connection_id", "connections.id", "RESTRICT", "rescue_parts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescue_parts")),
        sa.UniqueConstraint(
            "rescue_id", "connection_id", name=op.f("uq_rescue_parts_rescue_id_connection_id")
        ),
    )
    for column in ("project_id", "connection_id", "due_at"):
        op.create_index(op.f(f"ix_rescue_parts_{column}"), "rescue_parts", [column])
    op.create_table(
        "rescued_objects",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("rescue_id", ID, nullable=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("object_id", sa.String(255), nullable=False),
        sa.Column("parent_id", sa.String(255), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("rank", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("announced", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("lines", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", AT, nullable=True),
        sa.Column("listed_at", AT, nullable=False),
        sa.Column("fetched_at", AT, nullable=True),
        sa.Column("verified_at", AT, nullable=True),
        sa.Column("used_at", AT, nullable=True),
        sa.Column("why_raw", sa.Text(), nullable=True),
        sa.Column("version_id", ID, nullable=True),
        sa.Column("job_id", ID, nullable=True),
        _key("project_id", "projects.id", "CASCADE", "rescued_objects"),
        _key("connection_id", "connections.id", "RESTRICT", "rescued_objects"),
        _key("rescue_id", "rescues.id", "SET NULL", "rescued_objects"),
        _key("version_id", "dataset_versions.id", "SET NULL", "rescued_objects"),
        _key("job_id", "jobs.id", "SET NULL", "rescued_objects"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rescued_objects")),
        sa.UniqueConstraint(
            "connection_id",
            "kind",
            "object_id",
            name=op.f("uq_rescued_objects_connection_id_kind_object_id"),
        ),
    )
    for column in ("parent_id", "sha256", "rescue_id", "version_id", "job_id"):
        op.create_index(op.f(f"ix_rescued_objects_{column}"), "rescued_objects", [column])
    op.create_index(
        op.f("ix_rescued_objects_connection_id_outcome_rank_id"),
        "rescued_objects",
        ["connection_id", "outcome", "rank", "id"],
    )
    op.create_index(
        op.f("ix_rescued_objects_project_id_kind_id"),
        "rescued_objects",
        ["project_id", "kind", "id"],
    )


def downgrade() -> None:
    op.drop_table("rescued_objects")
    op.drop_table("rescue_parts")
    op.drop_table("rescues")
