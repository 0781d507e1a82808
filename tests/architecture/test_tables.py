"""Rules of the tables."""

from sqlalchemy import inspect

from app import tables
from app.core.orm import Base, Instant

INSTANCE = {
    "users", "user_sessions", "api_tokens", "single_use_links", "failed_sign_ins",
    "heartbeat", "instance", "housekeeping", "projects", "connection_tests",
    "owners_dates", "owners_prices", "notice_choices",
}  # fmt: skip
# Parts of a row that has project_id; they live and die with it.
PARTS = {
    "dataset_moderations": "version_id",
    "start_attempts": "job_id",
    "start_looks": "job_id",
    "job_events": "job_id",
    "checkpoints": "job_id",
    "metric_chunks": "job_id",
    "base_models": "connection_id",
    "webhook_deliveries": "connection_id",
    "notice_reads": "notice_id",
    "delivery_tries": "delivery_id",
    "dataset_derived": "version_id",
    "answers": "question_id",
    "cases": "evaluation_id",
    "case_tags": "evaluation_id",
    "evaluation_graders": "evaluation_id",
    "run_graders": "run_id",
    "run_judges": "run_id",
    "contestants": "run_id",
    "results": "run_id",
    "grades": "run_id",
    "judgements": "run_id",
    "answer_paces": "connection_id",
    "run_reports": "run_id",
    "evaluation_looks": "schedule_id",
    "board_cases": "run_id",
    "worst_lists": "run_id",
    "worst_cases": "run_id",
    "duels": "duels_id",
    "round_results": "round_id",
    "round_people": "round_id",
    "persons_grades": "round_id",
    "hand_answers": "run_id",
}
TABLES = sorted(tables.metadata.tables.values(), key=lambda table: table.name)
MAPPERS = sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__)


def test_no_relationship_loads_behind_our_back():
    for mapper in MAPPERS:
        for relationship in inspect(mapper.class_).relationships:
            assert relationship.lazy == "raise", relationship


def test_a_table_with_a_teams_data_says_which_teams():
    for table in TABLES:
        if table.name in INSTANCE:
            assert "project_id" not in table.columns
        elif table.name in PARTS:
            column = table.columns[PARTS[table.name]]
            (key,) = column.foreign_keys
            assert not column.nullable
            assert key.ondelete == "CASCADE"
            assert "project_id" in key.column.table.columns
        else:
            (key,) = table.columns["project_id"].foreign_keys
            assert key.column.table.name == "projects"
            assert key.ondelete == "CASCADE"
            assert table.columns["project_id"].nullable == (table.name == "activity")


def test_a_foreign_key_says_what_happens_to_its_row():
    for table in TABLES:
        for column in table.columns:
            for key in column.foreign_keys:
                assert key.ondelete in {"CASCADE", "SET NULL", "RESTRICT"}, column
                if key.ondelete == "SET NULL":
                    assert column.nullable


def test_what_people_make_says_who_made_it():
    made = {
        "projects",
        "connections",
        "datasets",
        "dataset_versions",
        "jobs",
        "tuned_models",
        "collections",
    }
    for name in made:
        column = tables.metadata.tables[name].columns["created_by"]
        (key,) = column.foreign_keys
        assert (key.column.table.name, key.ondelete) == ("users", "SET NULL")


def test_every_moment_is_utc():
    for table in TABLES:
        for column in table.columns:
            if "DATETIME" in str(column.type).upper() or column.name.endswith("_at"):
                assert isinstance(column.type, Instant), column


def test_every_module_with_tables_is_on_the_one_list():
    from app.settings import ROOT

    with_tables = {
        f"app.{path.parent.name}.{path.stem}" for path in (ROOT / "app").glob("*/models.py")
    }
    assert with_tables <= {module.__name__ for module in tables.MODULES}
