"""The paid start by many at once, on databases that really commit."""

import os
import threading
from pathlib import Path

import pytest

from app.auth.models import User
from app.core.database import read_only, unit_of_work
from app.jobs import service, starts, tasks
from app.jobs.forms import JobForm
from app.jobs.models import Job, JobStatus
from app.projects.models import Project
from tests.jobs.steps import attempts_of, lose_lease, queue_job
from tests.make import BASE_MODEL
from tests.stage import job_of, make_team, run_together
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.script import CREATE_RUN, Fault


def test_two_identical_clicks_at_once_make_one_job(real_database, witness):
    team = make_team(witness.url, handle.KEY)
    form = JobForm(
        connection_id=team.connection_id,
        base_model=BASE_MODEL,
        training_version_id=team.version_id,
    )
    made, failed = [], []
    together = threading.Barrier(4)

    def click():
        try:
            with unit_of_work() as session:
                project = session.get_one(Project, team.project_id)
                user = session.get_one(User, team.users["editor"])
                if real_database == "postgresql":
                    together.wait(10)
                job = service.create_job(
                    session, project=project, user=user, form=form, request_key="form:same"
                )
                made.append(job.id)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)

    run_together(click, 4)

    assert failed == []
    assert len(made) == 4
    assert len(set(made)) == 1
    with read_only() as session:
        assert session.query(Job).count() == 1


def test_the_attempt_is_committed_before_the_order_leaves(real_database, witness):
    team = make_team(witness.url, handle.KEY)
    job_id = queue_job(team)
    witness.script(Fault(CREATE_RUN, end="real", delay=0.3))
    worker = threading.Thread(target=tasks.start, args=(job_id,))

    worker.start()
    eventually(lambda: witness.creates)
    (attempt,) = attempts_of(job_id)
    worker.join(30)

    assert attempt.outcome is None
    assert attempts_of(job_id)[0].outcome == "started"


def test_many_workers_at_one_job_send_one_order(real_database, witness):
    team = make_team(witness.url, handle.KEY)
    job_id = queue_job(team)
    witness.script(Fault(CREATE_RUN, end="real", delay=0.2))

    run_together(lambda: tasks.start(job_id), 4)

    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == len(witness.runs) == 1
    assert len(attempts_of(job_id)) == 1


def test_a_worker_that_slept_past_its_lease_changes_nothing(real_database, witness):
    """Its fence is old: the one who took over has the say."""
    team = make_team(witness.url, handle.KEY)
    job_id = queue_job(team)
    with unit_of_work() as session:
        sleeper = starts.claim_start(session, job_id)
    lose_lease(job_id)
    tasks.start(job_id)
    before = job_of(job_id)

    with unit_of_work() as session:
        assert starts.write_order(session, sleeper) is None
    with unit_of_work() as session:
        starts.record_refused(session, sleeper, "Too late.")
        assert not starts.keep_lease(session, sleeper, seconds=60)

    assert (job_of(job_id).status, job_of(job_id).error) == (before.status, None)
    assert len(witness.creates) == 1


@pytest.mark.parametrize("real_database", ["sqlite"], indirect=True)
def test_the_attempt_is_on_the_disk_before_the_order_leaves(real_database, witness, monkeypatch):
    """SQLite's log may else be lost in a power cut, and the order be sent a second time."""
    team = make_team(witness.url, handle.KEY)
    job_id = queue_job(team)
    written = []

    def note(descriptor):
        written.append((Path(f"/proc/self/fd/{descriptor}").readlink().name, witness.creates))

    monkeypatch.setattr(os, "fsync", note)
    tasks.start(job_id)

    assert ("luthier.sqlite-wal", []) in written
    assert len(witness.creates) == 1
