"""Golden recordings, and the successors held against them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "d83f5b17c0aa"
down_revision = "c41e7a90b6d5"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _table(
        "golden_recordings",
        "run_id",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("model_id", ID, nullable=True),
        sa.Column("noise", KEPT, nullable=True),
        _key("golden_recordings", "run_id", "evaluation_runs", "RESTRICT"),
        _key("golden_recordings", "model_id", "tuned_models", "SET NULL"),
    )
    _table(
        "succession_checks",
        "run_id",
        sa.Column("recording_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("margin", sa.Double(), nullable=False),
        sa.Column("verdict", KEPT, nullable=True),
        _key("succession_checks", "recording_id", "golden_recordings", "RESTRICT"),
        _key("succession_checks", "run_id", "evaluation_runs", "CASCADE"),
    )
    op.create_index(op.f("ix_golden_recordings_model_id"), "golden_recordings", ["model_id"])
    op.create_index(
        op.f("ix_succession_checks_recording_id"), "succession_checks", ["recording_id"]
    )


def _key(table: str, name: str, other: str, gone: str) -> sa.ForeignKeyConstraint:
    named = op.f(f"fk_{table}_{name}")
    return sa.ForeignKeyConstraint([name], [f"{other}.id"], name=named, ondelete=gone)


def _table(name: str, once: str, *more: sa.Column | sa.ForeignKeyConstraint) -> None:
    columns = [one for one in more if isinstance(one, sa.Column)]
    keys = [one for one in more if not isinstance(one, sa.Column)]
    op.create_table(
        name,
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        *columns,
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key(name, "project_id", "projects", "CASCADE"),
        _key(name, "created_by", "users", "SET NULL"),
        *keys,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sa.UniqueConstraint(once, name=op.f(f"uq_{name}_{once}")),
    )
    op.create_index(op.f(f"ix_{name}_project_id"), name, ["project_id"])
    op.create_index(op.f(f"ix_{name}_due_at"), name, ["due_at"])


def downgrade() -> None:
    op.drop_table("succession_checks")
    op.drop_table("golden_recordings")
