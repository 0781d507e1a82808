"""Orders whose answer was lost: looked for by tag, adopted, never sent again."""

import json as _json

import openai
import pytest

from app.jobs import tasks
from app.jobs.models import JobStatus
from tests.jobs.steps import attempts_of, log_of, make_due, queue_job
from tests.stage import job_of, one_database
from tests.witness import handle
from tests.witness.script import CREATE_RUN, LIST_RUNS, Fault, refusal

LOST = [
    Fault(CREATE_RUN, end="drop", commits=True),
    Fault(CREATE_RUN, end="truncate", commits=True),
    Fault(CREATE_RUN, status=500, body="<h1>Oops</h1>", commits=True),
    Fault(CREATE_RUN, status=502, body="<h1>Bad gateway</h1>", commits=True),
    Fault(CREATE_RUN, status=409, body=_json.dumps(refusal("Conflict.")), commits=True),
    Fault(CREATE_RUN, status=408, body=_json.dumps(refusal("Slow.")), commits=True),
    Fault(CREATE_RUN, status=200, body="<h1>Hello</h1>", commits=True),
    Fault(CREATE_RUN, status=200, body="{}", commits=True),
    Fault(CREATE_RUN, status=200, body='{"id": null}', commits=True),
    Fault(CREATE_RUN, status=400, body="<h1>A gateway says no</h1>", commits=True),
]


@one_database
@pytest.mark.parametrize("fault", LOST, ids=lambda fault: f"{fault.end}-{fault.status}")
def test_a_lost_answer_is_looked_for_by_tag_and_adopted(workshop, witness, fault):
    witness.script(fault)
    job_id = queue_job(workshop)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.STARTING
    assert attempts_of(job_id)[0].outcome == "unknown"

    make_due(job_id)
    tasks.start(job_id)

    job = job_of(job_id)
    assert (job.status, job.run_id) == (JobStatus.RUNNING, witness.runs[0]["id"])
    assert len(witness.creates) == len(witness.runs) == 1


def test_an_order_that_left_no_trace_is_in_doubt_after_six_looks(workshop, witness):
    witness.script(Fault(CREATE_RUN, end="drop"))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    waits = []
    for _ in range(6):
        job = job_of(job_id)
        assert job.status == JobStatus.STARTING
        waits.append((job.due_at - attempts_of(job_id)[0].sent_at).total_seconds())
        make_due(job_id)
        tasks.start(job_id)

    job = job_of(job_id)
    assert job.status == JobStatus.IN_DOUBT
    assert job.due_at is None
    assert [round(wait * 60) for wait in waits[:3]] == [15, 30, 60]
    assert len(witness.creates) == 1
    assert witness.runs == []
    tasks.start(job_id)
    assert len(witness.creates) == 1


def test_a_listing_that_fails_is_never_none_found(workshop, witness):
    witness.script(
        Fault(CREATE_RUN, end="drop", commits=True), Fault(LIST_RUNS, status=500, times=12)
    )
    job_id = queue_job(workshop)
    tasks.start(job_id)
    for _ in range(10):
        make_due(job_id)
        tasks.start(job_id)
    job = job_of(job_id)
    assert job.status == JobStatus.STARTING
    assert attempts_of(job_id)[0].looks == 0

    for _ in range(3):
        make_due(job_id)
        tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert len(witness.runs) == 1


def test_a_run_that_a_list_hides_for_a_while_is_found_later(workshop, witness):
    witness.set(lag=3600)
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).run_id is None
    assert attempts_of(job_id)[0].looks == 1
    assert len(witness.creates) == 1


@pytest.fixture
def twins(workshop, witness):
    """A job of which the provider has two runs, the older first; its answer was lost."""
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    (first,) = witness.runs
    with openai.OpenAI(base_url=witness.url, api_key=handle.KEY) as other:
        second = other.fine_tuning.jobs.create(**witness.creates[0].body)
    witness.change_run(second.id, created_at=first["created_at"] + 5)
    make_due(job_id)
    return job_id, first["id"], second.id


def test_of_two_runs_with_one_tag_the_oldest_is_ours_and_the_other_is_cancelled(twins, witness):
    job_id, first, second = twins
    tasks.start(job_id)
    assert job_of(job_id).run_id == first
    states = {run["id"]: run["status"] for run in witness.runs}
    assert states == {first: "validating_files", second: "cancelled"}
    assert any(second in line for line in log_of(job_id))


@pytest.mark.parametrize("status", [403, 500])
def test_a_second_run_that_cannot_be_cancelled_does_not_fail_the_job(twins, witness, status):
    job_id, first, second = twins
    body = _json.dumps(refusal("You may not."))
    witness.script(Fault(f"{CREATE_RUN}/{second}/cancel", status=status, body=body))
    tasks.start(job_id)
    job = job_of(job_id)
    assert (job.status, job.run_id, job.due_at) == (JobStatus.RUNNING, first, None)
    assert any(second in line and "You may not." in line for line in log_of(job_id))
