"""Evaluations: cases, runs and who takes part in them, answers, grades."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "26f605027b40"
down_revision = "b7d2e90c4a18"
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
        "given_answers",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("calls", KEPT, nullable=False),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("finish_reason", sa.String(64), nullable=True),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=True),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=True),
        sa.Column("total_ms", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", AT, nullable=False),
        _key("given_answers", "project_id", "projects", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_given_answers")),
        sa.UniqueConstraint(
            "project_id", "digest", name=op.f("uq_given_answers_project_id_digest")
        ),
    )
    op.create_table(
        "evaluations",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("source", KEPT, nullable=False),
        sa.Column("dataset_version_id", ID, nullable=True),
        sa.Column("prompt", KEPT, nullable=True),
        sa.Column("pass_rule", sa.String(8), nullable=False),
        sa.Column("cases", sa.BigInteger(), nullable=False),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("archived_at", AT, nullable=True),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("evaluations", "created_by", "users", "SET NULL"),
        _key("evaluations", "dataset_version_id", "dataset_versions", "RESTRICT"),
        _key("evaluations", "project_id", "projects", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_evaluations_project_id_name")),
    )
    op.create_index(
        op.f("ix_evaluations_dataset_version_id"), "evaluations", ["dataset_version_id"]
    )
    op.create_index(op.f("ix_evaluations_due_at"), "evaluations", ["due_at"])
    op.create_table(
        "cases",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("evaluation_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=True),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column("messages", KEPT, nullable=False),
        sa.Column("tools", KEPT, nullable=True),
        sa.Column("item", KEPT, nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        _key("cases", "evaluation_id", "evaluations", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("evaluation_id", "number", name=op.f("uq_cases_evaluation_id_number")),
    )
    op.create_table(
        "evaluation_graders",
        sa.Column("evaluation_id", ID, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("grader_id", ID, nullable=False),
        _key("evaluation_graders", "evaluation_id", "evaluations", "CASCADE"),
        _key("evaluation_graders", "grader_id", "graders", "RESTRICT"),
        sa.PrimaryKeyConstraint("evaluation_id", "place", name=op.f("pk_evaluation_graders")),
    )
    op.create_index(op.f("ix_evaluation_graders_grader_id"), "evaluation_graders", ["grader_id"])
    op.create_table(
        "evaluation_runs",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("project_id", ID, nullable=False),
        sa.Column("evaluation_id", ID, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("request_key", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("paused_by", sa.String(16), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("settings", KEPT, nullable=False),
        sa.Column("pass_rule", sa.String(8), nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=False),
        sa.Column("estimate", sa.BigInteger(), nullable=True),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("is_frozen", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.String(64), nullable=True),
        sa.Column("created_by", ID, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        _key("evaluation_runs", "created_by", "users", "SET NULL"),
        _key("evaluation_runs", "evaluation_id", "evaluations", "RESTRICT"),
        _key("evaluation_runs", "project_id", "projects", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation_runs")),
        sa.UniqueConstraint(
            "evaluation_id", "number", name=op.f("uq_evaluation_runs_evaluation_id_number")
        ),
        sa.UniqueConstraint(
            "project_id", "request_key", name=op.f("uq_evaluation_runs_project_id_request_key")
        ),
    )
    op.create_index(
        op.f("ix_evaluation_runs_project_id_created_at"),
        "evaluation_runs",
        ["project_id", "created_at"],
    )
    op.create_table(
        "case_tags",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("value", sa.String(64), nullable=False),
        sa.Column("evaluation_id", ID, nullable=False),
        _key("case_tags", "case_id", "cases", "CASCADE"),
        _key("case_tags", "evaluation_id", "evaluations", "CASCADE"),
        sa.PrimaryKeyConstraint("case_id", "field", "value", name=op.f("pk_case_tags")),
    )
    op.create_index(
        op.f("ix_case_tags_evaluation_id_field_value"),
        "case_tags",
        ["evaluation_id", "field", "value"],
    )
    op.create_table(
        "contestants",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("model_ref_id", ID, nullable=True),
        sa.Column("shots", KEPT, nullable=True),
        sa.Column("shots_version_id", ID, nullable=True),
        sa.Column("recorded_id", ID, nullable=True),
        sa.Column("job_id", ID, nullable=True),
        sa.Column("checkpoint_step", sa.BigInteger(), nullable=True),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("graded", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _key("contestants", "job_id", "jobs", "SET NULL"),
        _key("contestants", "model_ref_id", "model_refs", "RESTRICT"),
        _key("contestants", "recorded_id", "contestants", "RESTRICT"),
        _key("contestants", "run_id", "evaluation_runs", "CASCADE"),
        _key("contestants", "shots_version_id", "dataset_versions", "RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contestants")),
        sa.UniqueConstraint("run_id", "place", name=op.f("uq_contestants_run_id_place")),
    )
    op.create_index(op.f("ix_contestants_due_at"), "contestants", ["due_at"])
    op.create_index(op.f("ix_contestants_job_id"), "contestants", ["job_id"])
    op.create_index(op.f("ix_contestants_model_ref_id"), "contestants", ["model_ref_id"])
    op.create_index(op.f("ix_contestants_recorded_id"), "contestants", ["recorded_id"])
    op.create_index(op.f("ix_contestants_shots_version_id"), "contestants", ["shots_version_id"])
    op.create_table(
        "run_graders",
        sa.Column("run_id", ID, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("version_id", ID, nullable=False),
        _key("run_graders", "run_id", "evaluation_runs", "CASCADE"),
        _key("run_graders", "version_id", "grader_versions", "RESTRICT"),
        sa.PrimaryKeyConstraint("run_id", "place", name=op.f("pk_run_graders")),
    )
    op.create_index(op.f("ix_run_graders_version_id"), "run_graders", ["version_id"])
    op.create_table(
        "results",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("contestant_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("repeat", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("not_before", AT, nullable=True),
        sa.Column("answer_id", ID, nullable=True),
        sa.Column("is_cached", sa.Boolean(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        _key("results", "answer_id", "given_answers", "RESTRICT"),
        _key("results", "case_id", "cases", "CASCADE"),
        _key("results", "run_id", "evaluation_runs", "CASCADE"),
        _key("results", "contestant_id", "contestants", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results")),
        sa.UniqueConstraint(
            "contestant_id",
            "case_id",
            "repeat",
            name=op.f("uq_results_contestant_id_case_id_repeat"),
        ),
    )
    op.create_index(op.f("ix_results_answer_id"), "results", ["answer_id"])
    op.create_index(op.f("ix_results_run_id"), "results", ["run_id"])
    op.create_index(op.f("ix_results_case_id"), "results", ["case_id"])
    op.create_index(
        op.f("ix_results_contestant_id_status_not_before"),
        "results",
        ["contestant_id", "status", "not_before"],
    )
    op.create_table(
        "grades",
        sa.Column("result_id", ID, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("detail", KEPT, nullable=False),
        _key("grades", "run_id", "evaluation_runs", "CASCADE"),
        _key("grades", "result_id", "results", "CASCADE"),
        sa.PrimaryKeyConstraint("result_id", "place", name=op.f("pk_grades")),
    )
    op.create_index(op.f("ix_grades_run_id"), "grades", ["run_id"])


def downgrade() -> None:
    op.drop_table("grades")
    op.drop_table("results")
    op.drop_table("run_graders")
    op.drop_table("contestants")
    op.drop_table("case_tags")
    op.drop_table("evaluation_runs")
    op.drop_table("evaluation_graders")
    op.drop_table("cases")
    op.drop_table("evaluations")
    op.drop_table("given_answers")
