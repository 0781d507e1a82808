"""Evaluations that run by themselves when a job has ended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "e07b92d4f1c3"
down_revision = "8b3e6d1c2f40"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)
TABLE = "job_evaluations"


def _key(column: str, target: str, gone: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{TABLE}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=gone)


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("evaluation_id", ID, nullable=False),
        sa.Column("has_base", sa.Boolean(), nullable=False),
        sa.Column("has_checkpoints", sa.Boolean(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("advice", KEPT, nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("project_id", "projects", "CASCADE"),
        _key("job_id", "jobs", "CASCADE"),
        _key("evaluation_id", "evaluations", "CASCADE"),
        _key("run_id", "evaluation_runs", "SET NULL"),
        _key("created_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint(
            "job_id", "evaluation_id", name=op.f(f"uq_{TABLE}_job_id_evaluation_id")
        ),
    )
    for column in ("project_id", "evaluation_id", "run_id", "due_at"):
        op.create_index(op.f(f"ix_{TABLE}_{column}"), TABLE, [column])


def downgrade() -> None:
    op.drop_table(TABLE)
