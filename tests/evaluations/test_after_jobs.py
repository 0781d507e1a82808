"""An evaluation runs by itself when a job has ended, and recommends a checkpoint."""

import pytest

from app.connections.models import Connection
from app.core import clock, instance
from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.core.instance import Instance
from app.datasets.models import DatasetVersion
from app.evaluations.after import service, tasks
from app.evaluations.after.forms import AfterForm
from app.evaluations.after.models import JobEvaluation
from app.evaluations.models import Case, Contestant, EvaluationRun, Result
from app.jobs import sweeps
from app.jobs.models import Checkpoint, Job
from app.projects.models import Project
from app.providers.base import RunStatus
from tests import make
from tests.evaluations.steps import begin, run_of
from tests.stage import one_database, read

MODEL = "ft:gpt-4o-mini-2024-07-18:acme::abcd1234"
STEPS = (2, 4, 6)


@pytest.fixture
def job_id(workshop):
    """A job that trains, with checkpoints."""
    with unit_of_work() as session:
        project = session.get_one(Project, workshop.project_id)
        connection = session.get_one(Connection, workshop.connection_id)
        version = session.get_one(DatasetVersion, workshop.version_id)
        job = make.make_running_job(session, project, connection, version)
        for step in STEPS:
            name = MODEL if step == STEPS[-1] else f"{MODEL}:ckpt-step-{step}"
            moment = clock.now(session)
            session.add(
                Checkpoint(job_id=job.id, step=step, name=name, metrics={}, created_at=moment)
            )
        return job.id


def ask(team, job_id, evaluation_id, **form):
    with unit_of_work() as session:
        sent = AfterForm.model_validate({"evaluation_id": evaluation_id, **form})
        job = session.get_one(Job, job_id)
        return service.ask(session, job, actor_id=team.users["owner"], form=sent).id


def end(job_id, status=RunStatus.SUCCEEDED):
    with unit_of_work() as session:
        name = MODEL if status is RunStatus.SUCCEEDED else None
        report = make.make_report(status=status, model_name=name)
        sweeps.finish(session, session.get_one(Job, job_id), report)


def ring():
    for _, row_id in tasks.waiting():
        tasks.after(row_id)


def test_model_base_and_checkpoints_are_asked_when_the_job_has_succeeded(
    workshop, letters, job_id, browser
):
    evaluation_id = begin(workshop)
    letters.deliver()
    row_id = ask(workshop, job_id, evaluation_id, has_base=True, has_checkpoints=True)
    with pytest.raises(Conflict, match="already"):
        ask(workshop, job_id, evaluation_id)
    assert tasks.waiting() == [], "the job has not ended"
    end(job_id)
    ring()
    tasks.after(row_id)  # a late letter does no harm
    run_id = read(JobEvaluation, row_id).run_id
    run = run_of(run_id)
    assert (run.origin, run.created_by) == ("when its job ended", workshop.users["owner"])
    assert [(one.name, one.checkpoint_step) for one in run.contestants] == [
        ("Tickets v1", None), (make.BASE_MODEL, None), ("Step 4", 4), ("Step 2", 2),
    ]  # fmt: skip
    with unit_of_work() as session:
        assert session.query(EvaluationRun).count() == 1
        _answer(session, run_id, better="Step 4")
    ring()
    advice = read(JobEvaluation, row_id).advice
    assert advice["words"].startswith("Take Step 4: ")
    assert "more cases" in advice["because"]
    assert tasks.waiting() == []
    page = browser(workshop.users["viewer"]).get(f"/jobs/{job_id}/evaluations-after").text
    assert "Take Step 4" in page


def _answer(session, run_id, better):
    """As if everybody had answered, and only this one rightly."""
    run = session.get_one(EvaluationRun, run_id)
    cases = session.query(Case.id).filter_by(evaluation_id=run.evaluation_id).all()
    for one in session.query(Contestant).filter_by(run_id=run_id):
        one.due_at, one.expected, one.graded = None, len(cases), len(cases)
        for (case_id,) in cases:
            session.add(
                Result(
                    run_id=run_id,
                    contestant_id=one.id,
                    case_id=case_id,
                    status="graded",
                    passed=one.name == better,
                    score=float(one.name == better),
                )
            )
    run.status = "done"


@one_database
def test_a_job_that_fails_makes_nobody_asked_and_says_so(workshop, letters, job_id, script):
    evaluation_id = begin(workshop)
    letters.deliver()
    editor = script(workshop.users["editor"])
    path = f"/jobs/{job_id}/evaluations-after"
    made = editor.post(path, json={"evaluation_id": evaluation_id})
    assert made.status_code == 201
    end(job_id, RunStatus.FAILED)
    ring()
    (found,) = editor.get(path).json()["data"]
    assert (found["run_id"], found["words"]) == (None, service.NO_MODEL)
    assert tasks.waiting() == []


@one_database
def test_what_was_asked_for_can_be_taken_back_until_it_has_begun(
    workshop, letters, job_id, browser
):
    evaluation_id = begin(workshop)
    letters.deliver()
    editor = browser(workshop.users["editor"])
    path = f"/jobs/{job_id}/evaluations-after"
    assert editor.post(path, data={"evaluation_id": str(evaluation_id)}).status_code == 303
    assert editor.post(path, data={"evaluation_id": str(evaluation_id)}).status_code == 422
    with unit_of_work() as session:
        row_id = session.query(JobEvaluation.id).scalar()
    assert "waits for the job to end" in editor.get(path).text
    assert editor.post(f"/job-evaluations/{row_id}/remove").status_code == 303
    row_id = ask(workshop, job_id, evaluation_id)
    end(job_id)
    ring()
    assert editor.post(f"/job-evaluations/{row_id}/remove").status_code == 409


@one_database
def test_a_restored_instance_starts_nothing_until_a_person_says_so(workshop, letters, job_id):
    evaluation_id = begin(workshop)
    letters.deliver()
    row_id = ask(workshop, job_id, evaluation_id, cap_usd="1.00")
    end(job_id)
    with unit_of_work() as session:
        moment = clock.now(session)
        session.add(
            Instance(id=instance.ONLY, tag="0" * 16, backed_up_at=moment, restored_at=moment)
        )
    assert tasks.waiting() == []
    tasks.after(row_id)
    assert read(JobEvaluation, row_id).run_id is None
    with unit_of_work() as session:
        session.get_one(Instance, instance.ONLY).allowed_at = clock.now(session)
    ring()
    found = read(JobEvaluation, row_id)
    assert found.run_id is not None or found.words
