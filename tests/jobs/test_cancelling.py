"""Cancel, in every state."""

import pytest

from app.catalog.models import TunedModel
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict
from app.jobs import service, starts, tasks
from app.jobs.models import Job, JobStatus
from tests.jobs.steps import look, queue_job
from tests.stage import job_of

CANCEL = "POST /v1/fine_tuning/jobs/{}/cancel"
TUNED = "ft:gpt-4o-mini-2024-07-18:acme::new"


def count_models():
    with read_only() as session:
        return session.query(TunedModel).count()


def cancel(job_id, workshop):
    with unit_of_work() as session:
        service.cancel_job(session, session.get_one(Job, job_id), actor_id=workshop.users["editor"])


def test_a_queued_job_is_cancelled_at_once(workshop, witness):
    job_id = queue_job(workshop)
    cancel(job_id, workshop)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.CANCELLED
    assert witness.journal.read() == []


def test_a_starting_job_is_cancelled_before_its_order(workshop, witness):
    job_id = queue_job(workshop)
    with unit_of_work() as session:
        work = starts.claim_start(session, job_id)
    cancel(job_id, workshop)
    assert job_of(job_id).status == JobStatus.STARTING
    with unit_of_work() as session:
        assert starts.write_order(session, work) is None
    assert job_of(job_id).status == JobStatus.CANCELLED
    assert witness.creates == []


def test_a_running_job_is_stopped_at_the_provider(workshop, witness, job):
    run_id = job_of(job).run_id
    cancel(job, workshop)
    assert job_of(job).status == JobStatus.RUNNING
    look(workshop)
    assert job_of(job).status == JobStatus.CANCELLED
    assert len(witness.journal.read(CANCEL.format(run_id))) == 1


def test_a_run_that_ended_before_it_could_be_stopped_keeps_the_truth(workshop, witness, job):
    cancel(job, workshop)
    witness.change_run(job_of(job).run_id, status="succeeded", fine_tuned_model=TUNED)
    look(workshop)
    assert job_of(job).status == JobStatus.SUCCEEDED
    assert count_models() == 1


def test_a_job_in_doubt_is_cancelled_by_a_person(workshop, witness, job):
    with unit_of_work() as session:
        found = session.get_one(Job, job)
        found.status, found.run_id = JobStatus.IN_DOUBT, None
    cancel(job, workshop)
    assert job_of(job).status == JobStatus.CANCELLED


def test_an_ended_job_cannot_be_cancelled(workshop, witness, job):
    with unit_of_work() as session:
        service.end(session, session.get_one(Job, job), JobStatus.FAILED, error="x")
    with pytest.raises(Conflict):
        cancel(job, workshop)
    assert job_of(job).status == JobStatus.FAILED
