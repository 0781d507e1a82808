"""Migrations: up, down to nothing and up again, the same tables either way, on both databases."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from app.budgets.models import Spend
from app.catalog.models import TunedModel
from app.connections.models import Connection
from app.core import database, migrate
from app.core.database import unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs import service as jobs
from app.jobs.adopting import RunFile, adopt_run
from app.jobs.keeping import keep_events, keep_model
from app.jobs.models import Job, JobEvent, JobStatus
from app.projects.models import Project
from app.providers.base import RunEvent, RunStatus
from app.rescue.models import Kind, RescuedObject
from app.settings import ROOT, settings
from app.tables import metadata
from app.upkeep import queries_money
from tests import make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, monkeypatch, postgres, home):
    """An empty database."""
    made = postgres.create() if request.param == "postgresql" else None
    if made:
        monkeypatch.setenv("DATABASE_URL", made)
    settings.cache_clear()
    yield settings().database_url
    if made:
        postgres.drop(made)


@pytest.fixture
def config():
    return Config(str(ROOT / "alembic.ini"))


def shape(url):
    """Every table with its columns, keys and indexes, in words."""
    engine = create_engine(url)
    try:
        looked = inspect(engine)
        return {
            name: (
                sorted(
                    (c["name"], str(c["type"]), c["nullable"]) for c in looked.get_columns(name)
                ),
                sorted(str(i["column_names"]) + str(i["unique"]) for i in looked.get_indexes(name)),
                sorted(
                    f"{k['constrained_columns']}→{k['referred_table']} {k['options']}"
                    for k in looked.get_foreign_keys(name)
                ),
            )
            for name in looked.get_table_names()
            if name != "alembic_version"
        }
    finally:
        engine.dispose()


def test_up_down_and_up_again(url, config):
    migrate.upgrade()
    first = shape(url)
    assert first.keys() == metadata.tables.keys()
    command.downgrade(config, "base")
    assert shape(url) == {}
    migrate.upgrade()
    assert shape(url) == first


def test_migrated_tables_are_those_of_the_code(url, config):
    migrate.upgrade()
    command.check(config)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrating_what_is_migrated_does_nothing(url):
    migrate.upgrade()
    first = shape(url)
    assert migrate.upgrade() is None
    assert shape(url) == first


def test_there_is_one_line_of_migrations_with_dated_names(config):
    scripts = ScriptDirectory.from_config(config)
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        name = script.path.rpartition("/")[2]
        year, month, day, *words = name.removesuffix(".py").split("_")
        assert (len(year), len(month), len(day)) == (4, 2, 2)
        assert words
        assert script.doc


def test_older_tables_forget_jobs_without_a_dataset_and_the_manifest_makes_them_again(url, config):
    """The ledger is made of the jobs again, as if it had always been there."""
    migrate.upgrade()
    with unit_of_work() as session:
        ours_id, theirs_id, found_id = rescued_beside_ours(session)
        others = jobs_of_many_ends(session, session.get_one(Job, ours_id))
        counted = ledger(session)
    database.engine().dispose()

    command.downgrade(config, "b4c7e19d5a02-1")
    migrate.upgrade()

    with unit_of_work() as session:
        assert [job.id for job in session.query(Job).order_by(Job.id)] == [ours_id, *others]
        assert ledger(session) == counted
        assert queries_money.rows_that_do_not_fit(session) == (len(others) + 1, [])
        assert [model.job_id for model in session.query(TunedModel)] == [ours_id]
        assert session.query(JobEvent).filter_by(job_id=theirs_id).count() == 0
        found = session.get_one(RescuedObject, found_id)
        assert (found.job_id, found.used_at) == (None, None)
    database.engine().dispose()


def jobs_of_many_ends(session, ours):
    """Jobs beside ours that ended each in its own way, and one that did not; their ids."""
    project = session.get_one(Project, ours.project_id)
    connection = session.get_one(Connection, ours.connection_id)
    version = session.get_one(DatasetVersion, ours.training_version_id)
    ends = (
        (None, None, None),
        ("ftjob-3", 500, JobStatus.SUCCEEDED),
        ("ftjob-4", None, JobStatus.SUCCEEDED),
        ("ftjob-5", None, JobStatus.VANISHED),
        (None, None, JobStatus.CANCELLED),
        ("ftjob-6", 100, JobStatus.CANCELLED),
    )
    ids = []
    for n, (run_id, tokens, status) in enumerate(ends):
        job = make.make_job(session, project, connection, version, key=f"end:{n}")
        job.run_id, job.trained_tokens = run_id, tokens
        if status is not None:
            jobs.end(session, job, status)
        ids.append(job.id)
    return ids


def ledger(session):
    """What every row of the ledger says."""
    rows = session.query(Spend).order_by(Spend.key)
    return [(row.key, row.month, row.state, row.reserved, row.spent, row.is_open) for row in rows]


def rescued_beside_ours(session):
    """A job of ours with its model, and one that came home with its own and an event."""
    user = make.make_user(session)
    project = make.make_project(session, user)
    connection = make.make_connection(session, project)
    version = make.make_checked_version(session, project)
    ours = make.make_model(session, project, connection, version)
    report = make.make_report("ftjob-2", status=RunStatus.SUCCEEDED, model_name="ft:gpt-4o:a::2")
    theirs = adopt_run(
        session, connection, report, name="old", training=RunFile("file-1"), validation=RunFile()
    )
    session.flush()
    keep_model(session, theirs, "ft:gpt-4o:a::2")
    event = RunEvent("ftevent-1", theirs.created_at, "info", "message", "Created.", {})
    keep_events(session, theirs, [event], theirs.created_at, is_raw_kept=True)
    found = make.make_rescued_object(
        session, connection, Kind.JOB, "ftjob-2", b"{}", used_at=theirs.rescued_at, job_id=theirs.id
    )
    return ours.job_id, theirs.id, found.id
