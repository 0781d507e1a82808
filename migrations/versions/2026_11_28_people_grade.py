"""People grade what contestants answered: rounds, what is shown, who was asked, what they said."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "5d1f0c7a9e36"
down_revision = "4e7c1d5a9b30"
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
    op.create_table(
        "judged_duels",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("request_key", sa.String(64), nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("paused_by", sa.String(16), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("asked_for", KEPT, nullable=False),
        sa.Column("both_ways", sa.Boolean(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("pairs", sa.BigInteger(), nullable=False),
        sa.Column("questions", sa.BigInteger(), nullable=False),
        sa.Column("estimate", sa.BigInteger(), nullable=True),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("guessed", sa.BigInteger(), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("judged_duels", "created_by", "users", "SET NULL"),
        _key("judged_duels", "project_id", "projects", "CASCADE"),
        _key("judged_duels", "run_id", "evaluation_runs", "CASCADE"),
        _key("judged_duels", "version_id", "grader_versions", "RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judged_duels")),
        sa.UniqueConstraint("run_id", "number", name=op.f("uq_judged_duels_run_id_number")),
        sa.UniqueConstraint(
            "project_id", "request_key", name=op.f("uq_judged_duels_project_id_request_key")
        ),
    )
    op.create_index(op.f("ix_judged_duels_due_at"), "judged_duels", ["due_at"])
    op.create_index(op.f("ix_judged_duels_version_id"), "judged_duels", ["version_id"])
    op.create_table(
        "duels",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("duels_id", ID, nullable=False),
        sa.Column("first_id", ID, nullable=False),
        sa.Column("second_id", ID, nullable=False),
        sa.Column("was_first", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("not_before", AT, nullable=True),
        sa.Column("outcome", sa.String(8), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("answer_id", ID, nullable=True),
        _key("duels", "answer_id", "given_answers", "RESTRICT"),
        _key("duels", "duels_id", "judged_duels", "CASCADE"),
        _key("duels", "first_id", "results", "CASCADE"),
        _key("duels", "second_id", "results", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duels")),
        sa.UniqueConstraint(
            "duels_id",
            "first_id",
            "second_id",
            "was_first",
            name=op.f("uq_duels_duels_id_first_id_second_id_was_first"),
        ),
    )
    op.create_index(
        op.f("ix_duels_duels_id_status_not_before"), "duels", ["duels_id", "status", "not_before"]
    )
    for column in ("answer_id", "first_id", "second_id"):
        op.create_index(op.f(f"ix_duels_{column}"), "duels", [column])
    op.create_table(
        "calibrations",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("has_passed", sa.Boolean(), nullable=False),
        sa.Column("reasons", KEPT, nullable=False),
        sa.Column("figures", KEPT, nullable=False),
        sa.Column("measured_at", AT, nullable=False),
        _key("calibrations", "project_id", "projects", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibrations")),
        sa.UniqueConstraint("project_id", "sha256", name=op.f("uq_calibrations_project_id_sha256")),
    )


def downgrade() -> None:
    for table in (
        "calibrations",
        "duels",
        "judged_duels",
        "persons_grades",
        "round_people",
        "round_results",
        "grading_rounds",
    ):
        op.drop_table(table)
