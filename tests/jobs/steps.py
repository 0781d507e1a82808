"""What tests of starts do to a job between its steps."""

import json

from app.auth.models import User
from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.datasets.models import DatasetVersion
from app.jobs import queries, tasks, tasks_orphans
from app.jobs.looks import LOOKS
from app.jobs.models import Job, JobStatus, StartAttempt
from app.projects.models import Project
from tests import make
from tests.witness.script import CREATE_RUN, Fault, refusal


def queue_job(team, *, key="form:1", **form):
    with unit_of_work() as session:
        job = make.make_job(
            session,
            session.get_one(Project, team.project_id),
            session.get_one(Connection, team.connection_id),
            session.get_one(DatasetVersion, team.version_id),
            key=key,
            **form,
        )
        return job.id


def attempts_of(job_id):
    with read_only() as session:
        return session.query(StartAttempt).filter_by(job_id=job_id).order_by("number").all()


def log_of(job_id):
    with read_only() as session:
        return [line.text for line in queries.events_of(session, job_id, limit=50)]


def make_due(job_id):
    """Time has passed: what waits is due, and no lease holds it."""
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        if job.due_at is not None:
            job.due_at = clock.now(session)
            job.lease_until = None
        session.get_one(Connection, job.connection_id).not_before = None


def lose_lease(job_id):
    """The worker died and its lease ran out."""
    with unit_of_work() as session:
        job = session.get_one(Job, job_id)
        assert job.lease_until is not None
        job.lease_until = job.created_at
        job.due_at = job.created_at


def answer(status, message="No.", code=None):
    return Fault(CREATE_RUN, status=status, body=json.dumps(refusal(message, code)))


def look(workshop):
    """Time has passed: the connection is due, and held only where its key is refused; a worker
    looks.
    """
    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        connection.due_at = clock.now(session)
        connection.not_before = connection.not_before if connection.refused_at else None
        for job in session.query(Job):
            job.events_at = job.events_at if job.has_ended else None
    tasks.sweep(workshop.connection_id)


def bring_into_doubt(team, witness, *, is_made=False, **words):
    """A job whose order got no answer and whose run no list shows; with `is_made` there is one."""
    witness.set(lag=3600)
    witness.script(Fault(CREATE_RUN, end="drop", commits=is_made))
    job_id = queue_job(team, **words)
    tasks.start(job_id)
    with unit_of_work() as session:
        (attempt,) = session.query(StartAttempt).filter_by(job_id=job_id)
        attempt.looks = len(LOOKS) - 1
    make_due(job_id)
    tasks.start(job_id)
    with read_only() as session:
        assert session.get_one(Job, job_id).status == JobStatus.IN_DOUBT
    witness.set(lag=0)
    return job_id


def show_all(witness):
    """The provider's lists have caught up."""
    witness.set(visible_at={run["id"]: 0 for run in witness.runs})


def look_for_orphans(team):
    """A quarter of an hour has passed: the connection is looked through."""
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        connection.orphans_due_at, connection.not_before = clock.now(session), None
    tasks_orphans.look_for_orphans(team.connection_id)


def decide(what, team, job_id, name="editor"):
    """A person presses a button of a job in doubt."""
    with unit_of_work() as session:
        user = session.get_one(User, team.users[name])
        what(session, session.get_one(Job, job_id), user=user)


def metric(witness, run_id, step, **numbers):
    """A run writes what it measured at a step."""
    data = {"step": step, "total_steps": 24, **numbers}
    witness.add_event(run_id, type="metrics", message=f"Step {step}", data=data)
