"""Reports of evaluations' runs: the evidence, reckoned once, and a line a case."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4e7c1d5a9b30"
down_revision = "d83f5b17c0aa"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger()
ID = NUMBER.with_variant(sa.Integer(), "sqlite")
KEPT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "run_reports",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("figures", KEPT, nullable=True),
        sa.Column("made_at", AT, nullable=True),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", NUMBER, nullable=False),
        sa.Column("attempts", NUMBER, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("run_reports", "run_id", "evaluation_runs"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_reports")),
        sa.UniqueConstraint("run_id", name=op.f("uq_run_reports_run_id")),
    )
    op.create_index(op.f("ix_run_reports_due_at"), "run_reports", ["due_at"])
    op.create_table(
        "board_cases",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("right", NUMBER, nullable=False),
        sa.Column("is_split", sa.Boolean(), nullable=False),
        _key("board_cases", "case_id", "cases"),
        _key("board_cases", "run_id", "evaluation_runs"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_board_cases")),
    )
    op.create_index(op.f("ix_board_cases_case_id"), "board_cases", ["case_id"])


def downgrade() -> None:
    op.drop_table("board_cases")
    op.drop_table("run_reports")
