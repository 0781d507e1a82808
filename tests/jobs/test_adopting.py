"""Jobs that were asked for elsewhere: shown like any, marked, followed, and never started here."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.catalog.models import TunedModel
from app.connections.models import Connection
from app.core import clock, leases
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.datasets.models import DatasetVersion
from app.jobs import queries, service, starts, sweeps
from app.jobs.adopting import RunFile, adopt_run
from app.jobs.keeping import keep_model
from app.jobs.models import Job, JobStatus, StartAttempt
from app.projects.models import Project
from app.providers.base import RunError, RunStatus
from app.upkeep import invariants
from tests import make
from tests.stage import one_database

MADE = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
TUNED = "ft:gpt-4o-mini-2024-07-18:acme:routing:AbCd1234"


@pytest.fixture
def adopted(team):
    """Take a run home: `adopted(status=RunStatus.FAILED, …)` gives the job's id."""

    def adopt(**changes):
        said = {
            "status": RunStatus.SUCCEEDED,
            "provider_status": "succeeded",
            "created_at": MADE,
            "finished_at": MADE + timedelta(hours=1),
            "trained_tokens": 2_000_000,
            "hyperparameters": {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 1.8},
            "model_name": TUNED,
            "seed": 7,
            "suffix": "routing",
            **changes,
        }
        with unit_of_work() as session:
            connection = session.get_one(Connection, team.connection_id)
            report = make.make_report(**said)
            job = adopt_run(
                session,
                connection,
                report,
                name="routing",
                training=RunFile("file-rows"),
                validation=RunFile(),
            )
            session.flush()
            if report.status is RunStatus.SUCCEEDED:
                keep_model(session, job, report.model_name)
            return job.id

    return adopt


def row(job_id):
    with read_only() as session:
        return queries.job_by_id(session, job_id)


def test_a_run_keeps_what_its_provider_says_of_it(adopted):
    job = row(adopted(method="dpo", hyperparameters={"beta": 0.1, "n_epochs": 2}))

    assert job.status == JobStatus.SUCCEEDED
    assert (job.run_id, job.method, job.seed, job.suffix) == ("ftjob-1", "dpo", 7, "routing")
    assert job.resolved == {"beta": 0.1, "n_epochs": 2}
    assert (job.created_at, job.ended_at) == (MADE, MADE + timedelta(hours=1))
    assert job.rescued_at > MADE
    assert job.created_by is None
    assert job.training_version is None
    assert job.training_file_id == "file-rows"


def test_a_failure_that_came_home_is_history_and_asks_nobody_for_anything(team, adopted):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    adopted(status=RunStatus.FAILED, model_name=None, finished_at=yesterday)
    with read_only() as session:
        assert queries.failed_lately(session, team.project_id, yesterday - timedelta(days=1)) == []


def test_a_failure_keeps_its_words(adopted):
    why = RunError("Training file has 9 example(s).", "invalid_n_examples", "training_file")
    job = row(adopted(status=RunStatus.FAILED, model_name=None, finished_at=None, error=why))

    assert (job.status, job.error) == (JobStatus.FAILED, "Training file has 9 example(s).")
    assert job.ended_at == MADE  # nobody says when


@pytest.mark.parametrize(
    "status", [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.UNKNOWN]
)
@one_database
def test_a_run_at_work_is_followed_and_its_end_is_kept(team, adopted, status):
    job_id = adopted(status=status, provider_status="going", model_name=None, finished_at=None)

    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        assert connection.due_at <= clock.now(session)
        watch = sweeps.claim_sweep(session, connection.id)
        assert [run.job_id for run in watch.runs] == [job_id]
        done = make.make_report(status=RunStatus.SUCCEEDED, model_name=TUNED)
        sweeps.record_sweep(session, watch, {job_id: sweeps.Sighting(done)})
    assert row(job_id).status == JobStatus.SUCCEEDED
    with read_only() as session:
        model = session.scalar(select(TunedModel).where(TunedModel.job_id == job_id))
        assert model.lineage["rescued_from"] == "OpenAI"


@pytest.mark.parametrize("status", list(RunStatus))
@one_database
def test_nothing_paid_can_begin_from_it(team, adopted, status):
    job_id = adopted(status=status, model_name=TUNED if status is RunStatus.SUCCEEDED else None)

    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        assert job.due_at is None
        assert not leases.due_ids(session, Job)
        with pytest.raises(Conflict):
            service.retry_start(session, job, actor_id=team.users["owner"])
        # Even if something were to put it back.
        job.status, job.due_at = JobStatus.QUEUED, clock.now(session)
        session.flush()
        assert not leases.due_ids(session, Job, queries.startable())
        assert starts.claim_start(session, job_id) is None
        assert session.scalars(select(StartAttempt)).all() == []


def test_the_invariants_hold_and_tell_of_an_order(adopted):
    job_id = adopted()
    name = "a job that was started elsewhere is not started here"

    def broken():
        return {one.name: one.broken for one in invariants.check(with_hashes=False) if one.broken}

    assert broken() == {}
    with unit_of_work() as session:
        moment = clock.now(session)
        session.add(StartAttempt(job_id=job_id, number=1, fence=0, sent_at=moment))
    assert broken() == {name: [f"job {job_id}"]}


def test_two_who_adopt_a_run_make_one_job(adopted):
    adopted()
    with pytest.raises(Exception, match=r"(?i)unique"):
        adopted()


def test_its_page_and_its_line_say_where_it_comes_from(team, browser, adopted):
    job_id = adopted()
    viewer = browser(team.users["viewer"])

    page = viewer.get(f"/jobs/{job_id}")
    listed = viewer.get(f"/projects/{team.project_id}/jobs")

    for answer in (page, listed):
        assert answer.status_code == 200
        assert "from OpenAI" in answer.text
    assert "Asked for by someone at OpenAI" in page.text
    assert "brought home" in page.text
    assert "file-rows" in page.text
    assert "rows not counted" in page.text
    assert "for the tokens it trained on" in page.text
    assert "none here" in listed.text


def test_its_model_says_what_is_known_of_it(team, browser, adopted):
    job_id = adopted()
    with read_only() as session:
        model_id = session.scalar(select(TunedModel.id).where(TunedModel.job_id == job_id))
    owner = browser(team.users["owner"])

    model = owner.get(f"/models/{model_id}")
    tried = owner.get(f"/models/{model_id}/try")
    listed = owner.get(f"/projects/{team.project_id}/models")
    home = owner.get(f"/projects/{team.project_id}")

    for answer in (model, tried, listed, home):
        assert answer.status_code == 200
    assert "tuned on rows that are no dataset here" in model.text
    assert "someone at OpenAI" in model.text
    assert "file-rows" in model.text


def test_a_script_gets_it_with_the_mark(team, script, adopted):
    job_id = adopted()
    sends = script(team.users["viewer"])

    job = sends.get(f"/jobs/{job_id}").json()
    model = sends.get(f"/models/{job['model_id']}").json()

    assert job["training_version_id"] is None
    assert datetime.fromisoformat(job["rescued_at"]) > MADE
    assert model["dataset_version_id"] is None
    assert model["job_id"] == job_id


def test_what_is_rescued_stands_where_it_was_asked_for(team, script, adopted):
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        version = session.get_one(DatasetVersion, team.version_id)
        project = session.get_one(Project, team.project_id)
        ours = make.make_running_job(session, project, connection, version, run_id="ftjob-ours").id
    old = adopted()
    sends = script(team.users["viewer"])

    def ids(query=""):
        found = sends.get(f"/projects/{team.project_id}/jobs{query}")
        assert found.status_code == 200, found.text
        return [one["id"] for one in found.json()["data"]]

    assert ids() == [ours, old]
    assert ids("?from=elsewhere") == [old]
    assert ids("?from=here") == [ours]
    assert ids("?sort=created") == [old, ours]
    first = sends.get(f"/projects/{team.project_id}/jobs?limit=1").json()
    assert ids(f"?after={first['next']}") == [old]
