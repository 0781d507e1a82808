"""Judges grade runs: what each is asked about every answer, written down before it is sent."""

import sqlalchemy as sa
from alembic import op

revision = "b1f6d2a70c94"
down_revision = "d91f3a6be470"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def _key(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "run_judges",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("run_judges", "run_id", "evaluation_runs", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_judges")),
        sa.UniqueConstraint("run_id", "place", name=op.f("uq_run_judges_run_id_place")),
    )
    op.create_index(op.f("ix_run_judges_due_at"), "run_judges", ["due_at"])
    op.create_table(
        "judgements",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("judge_id", ID, nullable=False),
        sa.Column("result_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("not_before", AT, nullable=True),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=True),
        sa.Column("answer_id", ID, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _key("judgements", "answer_id", "given_answers", "RESTRICT"),
        _key("judgements", "judge_id", "run_judges", "CASCADE"),
        _key("judgements", "result_id", "results", "CASCADE"),
        _key("judgements", "run_id", "evaluation_runs", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgements")),
        sa.UniqueConstraint(
            "result_id",
            "judge_id",
            "name",
            name=op.f("uq_judgements_result_id_judge_id_name"),
        ),
    )
    op.create_index(
        op.f("ix_judgements_judge_id_status_not_before"),
        "judgements",
        ["judge_id", "status", "not_before"],
    )
    for column in ("answer_id", "digest", "run_id"):
        op.create_index(op.f(f"ix_judgements_{column}"), "judgements", [column])


def downgrade() -> None:
    op.execute("UPDATE results SET status = 'answered' WHERE status = 'judging'")
    op.drop_table("judgements")
    op.drop_table("run_judges")
