"""A worker that was taken for dead comes back and tells what became of its order."""

import openai
import pytest

from app.core.database import unit_of_work
from app.jobs import doubts, searches, starts, tasks
from app.jobs.looks import LOOKS
from app.jobs.models import JobStatus
from app.providers.base import NotSent, Refused, RunSearch, Unknown
from tests.jobs.steps import attempts_of, decide, lose_lease, make_due, queue_job
from tests.make import BASE_MODEL
from tests.stage import job_of
from tests.witness import handle

NOT_SENT = NotSent("This machine slept.")


@pytest.fixture
def sleeper(workshop):
    """A worker that wrote its order down and went to sleep, and whose lease ran out: what it has in
    hand.
    """
    job_id = queue_job(workshop)
    with unit_of_work() as session:
        work = starts.claim_start(session, job_id)
        order = starts.write_order(session, work)
    lose_lease(job_id)
    return work, order


def look(job_id, times=1):
    for _ in range(times):
        tasks.start(job_id)
        make_due(job_id)


def wakes_up(sleeper, outcome):
    work, order = sleeper
    with unit_of_work() as session:
        starts.record_outcome(session, work, order, outcome)
    return job_of(work.job.id)


def test_an_order_in_doubt_that_never_left_is_sent_after_all(sleeper, witness):
    job_id = sleeper[0].job.id
    look(job_id, len(LOOKS))
    assert job_of(job_id).status == JobStatus.IN_DOUBT

    assert wakes_up(sleeper, NOT_SENT).status == JobStatus.STARTING
    make_due(job_id)
    tasks.start(job_id)

    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == 1


def test_an_order_in_doubt_that_was_refused_ends_the_job(sleeper, witness):
    job_id = sleeper[0].job.id
    look(job_id, len(LOOKS))

    job = wakes_up(sleeper, Refused("No such model.", code=None, http_status=404))

    assert (job.status, job.error) == (JobStatus.FAILED, "No such model.")
    assert witness.creates == []


def test_a_second_doubt_is_not_ended_by_what_became_of_the_first(workshop, sleeper):
    job_id = sleeper[0].job.id
    look(job_id, len(LOOKS))
    decide(doubts.start_again, workshop, job_id)
    with unit_of_work() as session:
        work = starts.claim_start(session, job_id)
        starts.write_order(session, work)
    lose_lease(job_id)
    look(job_id, len(LOOKS))
    assert job_of(job_id).status == JobStatus.IN_DOUBT

    assert wakes_up(sleeper, NOT_SENT).status == JobStatus.IN_DOUBT
    assert [one.outcome for one in attempts_of(job_id)] == ["not_sent", None]


def test_what_is_proved_is_not_doubted_again(sleeper, witness):
    job = sleeper[0].job
    with openai.OpenAI(base_url=witness.url, api_key=handle.KEY) as other:
        file = other.files.create(file=("rows.jsonl", b"{}\n"), purpose="fine-tune")
        run = other.fine_tuning.jobs.create(
            model=BASE_MODEL, training_file=file.id, metadata={"luthier_op": job.op_key}
        )
    look(job.id)
    assert attempts_of(job.id)[0].outcome == "found"

    job = wakes_up(sleeper, Unknown("The connection broke."))

    assert (job.status, job.run_id) == (JobStatus.RUNNING, run.id)
    assert attempts_of(job.id)[0].outcome == "found"


@pytest.mark.parametrize("is_read", [True, False])
def test_who_comes_back_while_the_last_look_is_out_is_heard(sleeper, witness, is_read):
    job_id = sleeper[0].job.id
    look(job_id, len(LOOKS) - 1)
    with unit_of_work() as session:
        looking = starts.claim_start(session, job_id)
    wakes_up(sleeper, NOT_SENT)
    with unit_of_work() as session:
        if is_read:
            searches.record_found(session, looking, RunSearch((), 0))
        else:
            searches.record_search_failed(session, looking, "No answer.", seconds=30)
    assert job_of(job_id).status == JobStatus.STARTING

    make_due(job_id)
    tasks.start(job_id)

    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.creates) == 1
