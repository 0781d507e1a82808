"""F15: a provider that answers with what is none of an answer. Nothing crashes, a job stays what is
last known of it, and people are told.
"""

import json

import pytest

from app.core.database import read_only
from app.jobs import tasks
from app.jobs.models import Job, JobEvent, JobStatus
from tests.jobs.steps import attempts_of, look, make_due, queue_job
from tests.stage import connection_of, job_of, one_database
from tests.waiting import eventually
from tests.witness.script import CREATE_RUN, HTML, LIST_RUNS, Fault

SHOW_RUN = "GET /v1/fine_tuning/jobs/[^/]+"
EVENTS = "GET /v1/fine_tuning/jobs/[^/]+/events"
NONE_OF_AN_ANSWER = {
    "an empty object": "{}",
    "a list": "[]",
    "null": "null",
    "NaN": "NaN",
    "nothing": "",
    "a page": "<html>Sign in to the Wi-Fi</html>",
    "half an object": '{"id": "ftjob-1"',
    "two objects": "{}{}",
    "depth without end": '{"data": ' + "[" * 100_000,
    "an id of null": '{"object": "fine_tuning.job", "id": null, "data": null}',
    "an id that is a number": '{"object": "fine_tuning.job", "id": 7, "data": 7}',
    "an id of ten thousand letters": json.dumps({"id": "x" * 10_000, "data": "x" * 10_000}),
    "an id that is a path": '{"id": "../../etc", "data": {}}',
    "another kind of thing": '{"id": "file-1", "object": "file", "data": {"a": 1}}',
    "bytes that are no text": "\ufffe\u0000",
    "an error with status 200": '{"error": {"message": "No.", "code": "no"}}',
}
# What has the run's id and says nothing usable of its state.
NOTHING_USABLE = {
    "no status": {},
    "a status of null": {"status": None},
    "a status that is a number": {"status": 3},
    "a status that nobody knows": {"status": "simmering"},
    "a status beyond measure": {"status": "s" * 100_000},
    "a day in the future": {"status": "running", "created_at": 10**10},
    "a day before all days": {"status": "running", "created_at": -1, "finished_at": -1},
    "numbers that are none": {"status": "running", "trained_tokens": "many", "seed": []},
    "everything of another kind": {
        "status": "running",
        "model": [],
        "method": 3,
        "error": "no",
        "metadata": "x",
        "hyperparameters": [],
        "result_files": {"a": 1},
        "fine_tuned_model": 9,
    },
}


@pytest.fixture
def job_id(workshop):
    made = queue_job(workshop)
    tasks.start(made)
    return made


def told(*runs, has_more=False):
    return json.dumps({"object": "list", "data": runs, "has_more": has_more})


@one_database
def test_F15_what_is_none_of_an_answer_leaves_a_job_as_it_is(workshop, witness, job_id):
    before = job_of(job_id)
    for name, body in NONE_OF_AN_ANSWER.items():
        headers = HTML if name == "a page" else {}
        for route in (LIST_RUNS, SHOW_RUN, EVENTS):
            witness.script(Fault(route, body=body, headers=headers))
        look(workshop)
        look(workshop)
        witness.calm()
        now = job_of(job_id)
        assert (now.status, now.run_id) == (before.status, before.run_id), name
        assert (now.provider_status, now.error) == (before.provider_status, None), name
    witness.change_run(before.run_id, status="succeeded", fine_tuned_model="ft:done")
    look(workshop)
    assert job_of(job_id).status == JobStatus.SUCCEEDED


@one_database
def test_F15_people_are_told_that_the_answers_are_none(workshop, witness, job_id):
    witness.script(Fault(LIST_RUNS, body="<html>Sign in</html>", headers=HTML))
    look(workshop)
    assert "Is the base URL right?" in connection_of(workshop.connection_id).words
    look(workshop)
    assert connection_of(workshop.connection_id).words is None


@one_database
def test_F15_a_run_that_says_nothing_usable_runs_on(workshop, witness, job_id):
    run_id = job_of(job_id).run_id
    for name, fields in NOTHING_USABLE.items():
        run = {"id": run_id, "object": "fine_tuning.job", **fields}
        witness.script(Fault(LIST_RUNS, body=told(run)))
        look(workshop)
        assert job_of(job_id).status == JobStatus.RUNNING, name
    witness.script(Fault(LIST_RUNS, body=told({"id": run_id, "status": "simmering"})))
    look(workshop)
    assert job_of(job_id).provider_status == "simmering", "shown as the provider wrote it"


@one_database
def test_F15_of_two_fields_of_one_name_the_last_counts(workshop, witness, job_id):
    run_id = job_of(job_id).run_id
    run = f'{{"id": "{run_id}", "status": "failed", "status": "running"}}'
    witness.script(Fault(LIST_RUNS, body=f'{{"data": [{run}, {run}], "has_more": false}}'))
    look(workshop)
    assert job_of(job_id).status == JobStatus.RUNNING


@one_database
@pytest.mark.parametrize("paging", ["loop", "endless", "shuffled", "oldest first"])
def test_F15_a_list_in_any_order_and_without_an_end_is_followed(workshop, witness, job_id, paging):
    run_id = job_of(job_id).run_id
    witness.set(paging=paging)
    witness.change_run(run_id, status="running")
    look(workshop)
    assert job_of(job_id).provider_status == "running"
    witness.change_run(run_id, status="succeeded", fine_tuned_model="ft:done")
    witness.hide(run_id)
    look(workshop)
    assert job_of(job_id).status == JobStatus.RUNNING, "not seen once is not vanished"
    assert len(witness.journal.read(LIST_RUNS)) < 40
    witness.hide(run_id, hidden=False)
    look(workshop)
    assert job_of(job_id).status == JobStatus.SUCCEEDED


@one_database
def test_F15_an_order_answered_by_what_is_none_is_looked_for(workshop, witness):
    for number, (name, body) in enumerate(NONE_OF_AN_ANSWER.items()):
        witness.script(Fault(CREATE_RUN, body=body, commits=True))
        job_id = queue_job(workshop, key=f"form:{number}")
        tasks.start(job_id)
        (attempt,) = attempts_of(job_id)
        if not body:  # then the witness says what it made
            assert attempt.outcome == "started"
            continue
        assert attempt.outcome == "unknown", name
        make_due(job_id)
        tasks.start(job_id)
        assert job_of(job_id).run_id == witness.runs[0]["id"], name
    assert len(witness.creates) == len(witness.runs) == len(NONE_OF_AN_ANSWER)


@one_database
def test_F15_an_order_answered_with_another_jobs_run_is_looked_for(workshop, witness, job_id):
    theirs = {"id": job_of(job_id).run_id, "object": "fine_tuning.job", "status": "queued"}
    witness.script(Fault(CREATE_RUN, body=json.dumps(theirs), commits=True))
    second = queue_job(workshop, key="form:2")
    tasks.start(second)
    assert attempts_of(second)[0].outcome == "unknown"
    make_due(second)
    tasks.start(second)
    assert job_of(second).run_id == witness.runs[0]["id"] != theirs["id"]


@one_database
def test_F15_events_of_every_kind_stop_no_look(workshop, witness, job_id):
    lines = [
        *(None, 1, "text", [], {}),
        {"id": None, "message": "no id"},
        {"id": "e-1", "message": None, "type": 7, "level": [], "data": "x", "created_at": "now"},
        {"id": "e-2", "message": "Hello", "created_at": 10**12},
    ]
    witness.script(Fault(EVENTS, body=told(*lines)))
    look(workshop)
    with read_only() as session:
        theirs = session.query(JobEvent).filter_by(job_id=job_id, is_ours=False)
        assert "Hello" in [line.text for line in theirs]
        assert session.query(Job).one().status == JobStatus.RUNNING
    eventually(lambda: connection_of(workshop.connection_id).words is None)
