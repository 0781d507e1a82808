"""Models that are asked again every so often, and what each time came to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "d91f3a6be470"
down_revision = "3a91c5e7d2b6"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)
SCHEDULES, LOOKS = "evaluation_schedules", "evaluation_looks"


def _key(table: str, column: str, target: str, gone: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=gone)


def _lease() -> list[sa.Column]:
    return [
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        SCHEDULES,
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("evaluation_id", ID, nullable=False),
        sa.Column("baseline_id", ID, nullable=False),
        sa.Column("every", sa.String(8), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("begins_at", AT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("paused_by", sa.String(16), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        *_lease(),
        _key(SCHEDULES, "project_id", "projects", "CASCADE"),
        _key(SCHEDULES, "evaluation_id", "evaluations", "CASCADE"),
        _key(SCHEDULES, "baseline_id", "contestants", "CASCADE"),
        _key(SCHEDULES, "created_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{SCHEDULES}")),
        sa.UniqueConstraint("baseline_id", name=op.f(f"uq_{SCHEDULES}_baseline_id")),
    )
    for column in ("project_id", "evaluation_id", "due_at"):
        op.create_index(op.f(f"ix_{SCHEDULES}_{column}"), SCHEDULES, [column])
    op.create_table(
        LOOKS,
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("schedule_id", ID, nullable=False),
        sa.Column("moment", AT, nullable=False),
        sa.Column("run_id", ID, nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("drift", KEPT, nullable=True),
        sa.Column("scores", KEPT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        *_lease(),
        _key(LOOKS, "schedule_id", SCHEDULES, "CASCADE"),
        _key(LOOKS, "run_id", "evaluation_runs", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{LOOKS}")),
        sa.UniqueConstraint("schedule_id", "moment", name=op.f(f"uq_{LOOKS}_schedule_id_moment")),
    )
    for column in ("run_id", "due_at"):
        op.create_index(op.f(f"ix_{LOOKS}_{column}"), LOOKS, [column])


def downgrade() -> None:
    op.drop_table(LOOKS)
    op.drop_table(SCHEDULES)
