"""People grade what contestants answered: rounds, what is shown, who was asked, what they said."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5d1f0c7a9e36"
down_revision = "26f605027b40"
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
        "grading_rounds",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("labels", KEPT, nullable=False),
        sa.Column("passing", KEPT, nullable=False),
        sa.Column("shows_reference", sa.Boolean(), nullable=False),
        sa.Column("per_item", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("closed_at", AT, nullable=True),
        _key("grading_rounds", "created_by", "users", "SET NULL"),
        _key("grading_rounds", "project_id", "projects", "CASCADE"),
        _key("grading_rounds", "run_id", "evaluation_runs", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grading_rounds")),
        sa.UniqueConstraint("run_id", "number", name=op.f("uq_grading_rounds_run_id_number")),
    )
    op.create_index(op.f("ix_grading_rounds_project_id"), "grading_rounds", ["project_id"])
    op.create_table(
        "round_results",
        sa.Column("round_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("result_id", ID, nullable=False),
        sa.Column("side", sa.BigInteger(), nullable=False),
        _key("round_results", "result_id", "results", "CASCADE"),
        _key("round_results", "round_id", "grading_rounds", "CASCADE"),
        sa.PrimaryKeyConstraint("round_id", "number", "result_id", name=op.f("pk_round_results")),
    )
    op.create_index(op.f("ix_round_results_result_id"), "round_results", ["result_id"])
    op.create_table(
        "round_people",
        sa.Column("round_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("asked_by", ID, nullable=True),
        sa.Column("asked_at", AT, nullable=False),
        _key("round_people", "asked_by", "users", "SET NULL"),
        _key("round_people", "round_id", "grading_rounds", "CASCADE"),
        _key("round_people", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("round_id", "user_id", name=op.f("pk_round_people")),
    )
    op.create_index(op.f("ix_round_people_user_id"), "round_people", ["user_id"])
    op.create_table(
        "persons_grades",
        sa.Column("round_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(120), nullable=True),
        sa.Column("is_swapped", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("given_at", AT, nullable=False),
        _key("persons_grades", "round_id", "grading_rounds", "CASCADE"),
        _key("persons_grades", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("round_id", "user_id", "number", name=op.f("pk_persons_grades")),
        sa.UniqueConstraint(
            "round_id", "user_id", "step", name=op.f("uq_persons_grades_round_id_user_id_step")
        ),
    )
    op.create_index(op.f("ix_persons_grades_user_id"), "persons_grades", ["user_id"])


def downgrade() -> None:
    for table in ("persons_grades", "round_people", "round_results", "grading_rounds"):
        op.drop_table(table)
