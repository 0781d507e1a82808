"""What is known of an order in doubt, and runs of ours that no job has."""

import sqlalchemy as sa
from alembic import op

revision = "d2f6b81c4e97"
down_revision = "c4e8b1f7a690"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _key(column: str, target: str, ondelete: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def upgrade() -> None:
    op.add_column("start_attempts", sa.Column("looking_since", AT, nullable=True))
    op.add_column("connections", sa.Column("orphans_due_at", AT, nullable=True))
    op.create_index(op.f("ix_connections_orphans_due_at"), "connections", ["orphans_due_at"])
    op.create_table(
        "start_looks",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("is_answered", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        _key("job_id", "jobs.id", "CASCADE", "start_looks"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_start_looks")),
    )
    op.create_index(op.f("ix_start_looks_job_id"), "start_looks", ["job_id"])
    op.create_table(
        "orphans",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("connection_id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("run_id", sa.String(255), nullable=False),
        sa.Column("base_model", sa.String(255), nullable=False),
        sa.Column("provider_status", sa.String(255), nullable=False),
        sa.Column("has_ended", sa.Boolean(), nullable=False),
        sa.Column("ordered_at", AT, nullable=True),
        sa.Column("found_at", AT, nullable=False),
        sa.Column("cancel_asked_at", AT, nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("settled_at", AT, nullable=True),
        sa.Column("outcome", sa.String(16), nullable=True),
        _key("project_id", "projects.id", "CASCADE", "orphans"),
        _key("connection_id", "connections.id", "CASCADE", "orphans"),
        _key("job_id", "jobs.id", "SET NULL", "orphans"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orphans")),
        sa.UniqueConstraint(
            "connection_id", "run_id", name=op.f("uq_orphans_connection_id_run_id")
        ),
    )
    op.create_index(op.f("ix_orphans_job_id"), "orphans", ["job_id"])
    op.create_index(
        op.f("ix_orphans_project_id_settled_at"), "orphans", ["project_id", "settled_at"]
    )
    # Orders of before are looked for once; those long over are then left alone.
    op.execute(
        "UPDATE connections SET orphans_due_at = created_at "
        "WHERE id IN (SELECT connection_id FROM jobs WHERE rescued_at IS NULL)"
    )


def downgrade() -> None:
    op.drop_table("orphans")
    op.drop_table("start_looks")
    op.drop_index(op.f("ix_connections_orphans_due_at"), "connections")
    op.drop_column("connections", "orphans_due_at")
    op.drop_column("start_attempts", "looking_since")
