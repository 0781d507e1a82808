"""F3 and F4: many workers at the same rows, and one that comes back from the dead."""

from collections import Counter

import pytest

from app.connections.models import Connection
from app.core.database import read_only, unit_of_work
from app.jobs import queries
from app.jobs.models import Job
from app.providers.values import OP_KEY_TAG
from tests.faults.stage import LEASE_SECONDS, on
from tests.stage import job_of
from tests.waiting import eventually
from tests.witness.script import UPLOAD, Fault

MANY = 1_000


@pytest.mark.full
@on("postgresql", "sqlite")
def test_F3_a_thousand_due_rows_are_each_worked_on_once_by_two_workers(stage):
    with unit_of_work() as session:  # as at our own trainer, where no allowance paces them
        session.get_one(Connection, stage.team.connection_id).profile = "luthier"
    jobs = [stage.queue_job(key=f"form:{n}") for n in range(MANY)]
    stage.start("beat", "worker", "worker2")

    def all_run():
        with read_only() as session:
            return session.query(Job).filter(Job.run_id.is_not(None)).count() == MANY

    eventually(all_run, within=600, every=1)
    orders = Counter(one.body["metadata"][OP_KEY_TAG] for one in stage.witness.creates)
    assert (len(orders), set(orders.values())) == (MANY, {1})
    assert {job_of(one).op_key for one in jobs} == orders.keys()
    stage.invariants_hold()


@pytest.mark.full
@on("sqlite", "postgresql")
def test_F4_a_worker_that_was_stopped_beyond_its_lease_changes_nothing_when_it_goes_on(stage):
    stage.witness.script(Fault(UPLOAD, end="real", delay=1))
    stage.start("beat", "worker")
    job_id = stage.queue_job()
    eventually(lambda: stage.witness.journal.read(UPLOAD), within=60)
    stage.freeze("worker")
    fence = job_of(job_id).fence
    stage.start("worker2")
    job = stage.settled(job_id, within=60 + LEASE_SECONDS)
    assert (job.status, job.fence) == ("running", fence + 1)
    before = lines_of(job_id)
    stage.thaw("worker")
    # It goes on where it was: another job shows that it is through with the first.
    stage.kill("worker2")
    stage.settled(stage.queue_job(key="form:2"), within=60)
    assert lines_of(job_id) == before
    assert sum(line.startswith("Training file") for line in before) == 1
    job = stage.assert_paid_once(job_id)
    assert (len(stage.orders_of(job)), job.fence) == (1, fence + 1)
    stage.invariants_hold()


def lines_of(job_id):
    """What we wrote into the job's log ourselves."""
    with read_only() as session:
        lines = queries.events_of(session, job_id, limit=200)
        return [line.text for line in lines if line.is_ours]
