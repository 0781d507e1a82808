"""F1 and F26: a worker that dies while it sends a file, and a key that is revoked or changed while
nobody knows whether an order made a run.
"""

from collections import Counter

import pytest

from app.auth.models import User
from app.connections.models import Connection
from app.connections.service import change_connection
from app.core.database import unit_of_work
from app.jobs import tasks
from app.jobs.models import JobStatus
from tests.faults.stage import on
from tests.jobs.steps import attempts_of, log_of, look_for_orphans, make_due, queue_job
from tests.stage import connection_of, job_of, one_database
from tests.witness.script import CREATE_RUN, UPLOAD, Fault


def files_of(witness):
    return Counter(file["filename"] for file in witness.tell("/_files", {})["data"])


@pytest.mark.full
@on("sqlite", "postgresql")
@pytest.mark.parametrize("point", ["K5", "K6"])
def test_F1_killed_while_it_sends_a_file(stage, point):
    stage.start("beat")
    stage.start("worker", crash_at=point)
    job_id = stage.queue_job()
    stage.crashed(point)
    stage.kill("worker")

    stage.start("worker")

    job = stage.assert_paid_once(job_id)
    assert job.status == JobStatus.RUNNING
    (count,) = files_of(stage.witness).values()
    assert count == 1, "one file at the provider for one file of the job"
    (run,) = stage.runs_of(job)
    assert run["training_file"] == job.training_file_id
    stage.invariants_hold()


@one_database
@pytest.mark.parametrize("end", ["drop", "truncate"])
def test_F1_a_file_whose_arrival_nobody_heard_of_is_found_there(workshop, witness, end):
    witness.script(Fault(UPLOAD, end=end, commits=True))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.STARTING
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert list(files_of(witness).values()) == [1]
    assert len(witness.journal.read(UPLOAD)) == 1
    assert any("was at the provider already" in line for line in log_of(job_id))


@pytest.fixture
def unknown(workshop, witness):
    """An order whose answer was lost and whose run is there."""
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    return job_id


def give_key(team, key):
    with unit_of_work() as session:
        connection = session.get_one(Connection, team.connection_id)
        owner = session.get_one(User, team.users["owner"])
        change_connection(session, connection, actor_id=owner.id, api_key=key)


def look_for_it(job_id, times):
    for _ in range(times):
        make_due(job_id)
        tasks.start(job_id)


@one_database
def test_F26_a_key_revoked_meanwhile_is_never_none_found(workshop, witness, unknown):
    witness.set(expires_after=0)
    look_for_it(unknown, 8)
    job, (attempt,) = job_of(unknown), attempts_of(unknown)
    assert (job.status, attempt.outcome, attempt.looks) == (JobStatus.STARTING, "unknown", 0)
    assert connection_of(workshop.connection_id).refused_at is not None, "people are told"
    assert len(witness.creates) == 1

    witness.set(expires_after=None)
    give_key(workshop, witness.key)
    look_for_it(unknown, 1)

    assert job_of(unknown).run_id == witness.runs[0]["id"]
    assert len(witness.creates) == 1


@one_database
def test_F26_with_the_key_of_another_project_a_person_decides(workshop, witness, unknown):
    other = witness.add_project("sk-another-project-0123456789", "Support")
    give_key(workshop, other.key)
    look_for_it(unknown, 7)
    job = job_of(unknown)
    assert job.status == JobStatus.IN_DOUBT
    assert any("another key" in line for line in log_of(unknown)), "which may see another project"
    assert len(witness.creates) == 1
    assert other.runs == []

    give_key(workshop, witness.key)
    look_for_orphans(workshop)

    assert job_of(unknown).run_id == witness.runs[0]["id"]
    assert len(witness.creates) == 1
