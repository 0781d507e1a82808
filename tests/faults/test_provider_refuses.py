"""F12 and F13: a provider that says wait, in every form, or has a fault for an hour. What waits
waits, nothing fails, people are told, and it all goes on by itself.
"""

import time
from datetime import timedelta
from itertools import pairwise

import pytest

import app.reactions  # noqa: F401 - what an answer sets off
from app.connections import testing
from app.connections.models import Connection
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.jobs import tasks
from app.jobs.models import JobStatus
from tests.faults.stage import IS_FULL, on
from tests.faults.stage import WAITS as DIVISOR
from tests.jobs.steps import attempts_of, look, make_due, queue_job
from tests.stage import connection_of, job_of, one_database
from tests.waiting import eventually
from tests.witness.script import CREATE_RUN, HTML, LIST_RUNS, WAITS, Fault, asked_to_wait

EVERYTHING = "[A-Z]+ /v1/.*"
ASKED, LONG = 120, 7_200  # seconds to wait, where a form says so
HOUR_OF_TESTS = timedelta(hours=1) / 60
TEN_MINUTES, AN_HOUR = 600 / DIVISOR, 3_600 / DIVISOR
ALIVE = {JobStatus.QUEUED, JobStatus.STARTING, JobStatus.RUNNING}
# Whoever had begun to ask when the answer came, a clock's tick, what a date has lost until then.
AT_ONCE = 15.0 if IS_FULL else 0.5
# The next look may be five minutes away, and the wait before it another five.
WELL_AGAIN_SECONDS = 1_500 if IS_FULL else 120
FAULTS = [
    {"status": 500, "body": '{"error": {"message": "The server had an error."}}'},
    {"status": 502, "body": "<html><h1>Bad gateway</h1></html>", "headers": HTML},
    {"status": 503, "body": "", "headers": {"retry-after": "3"}},
]


@one_database
@pytest.mark.parametrize("form", WAITS)
def test_F12_a_job_that_is_told_to_wait_is_left_alone_until_then(workshop, witness, form):
    job_id = queue_job(workshop)
    tasks.start(job_id)
    witness.script(Fault(LIST_RUNS, status=429, headers=asked_to_wait(form, LONG)))
    look(workshop)
    held = connection_of(workshop.connection_id)
    waits = (held.not_before - held.checked_at).total_seconds() * 60
    least, most = {
        "seconds": (LONG, LONG + 5),
        "date": (LONG - 60, LONG + 5),
        "huge": (86_400, 86_410),
    }.get(form, (0.9, 600))
    assert least <= waits <= most
    asked = len(witness.journal.read())

    clock.shift(-60)  # a wait by chance may be shorter than the test takes
    second = queue_job(workshop, key="form:2")
    tasks.start(second)
    tasks.sweep(workshop.connection_id)

    assert len(witness.journal.read()) == asked
    assert job_of(second).status in ALIVE
    assert job_of(job_id).status == JobStatus.RUNNING


@one_database
def test_F12_a_wait_of_a_day_ends_when_a_person_tests_the_connection(workshop, witness, letters):
    running = queue_job(workshop)
    tasks.start(running)
    queued = queue_job(workshop, key="form:2")
    witness.script(Fault(EVERYTHING, status=429, headers=asked_to_wait("huge"), times=10**6))
    tasks.start(queued)
    tasks.start(queued)
    witness.calm()
    assert job_of(queued).due_at - connection_of(workshop.connection_id).checked_at > HOUR_OF_TESTS

    with unit_of_work() as session:
        connection = session.get_one(Connection, workshop.connection_id)
        testing.ask_for_test(session, connection, actor_id=workshop.users["owner"])
    letters.deliver()

    with read_only() as session:
        moment = clock.now(session)
    assert connection_of(workshop.connection_id).not_before is None
    assert connection_of(workshop.connection_id).due_at <= moment
    assert job_of(queued).due_at <= moment


@one_database
@pytest.mark.parametrize("form", WAITS)
def test_F12_an_order_that_is_told_to_wait_goes_out_once_more(workshop, witness, form):
    witness.script(Fault(CREATE_RUN, status=429, headers=asked_to_wait(form, ASKED)))
    job_id = queue_job(workshop)
    tasks.start(job_id)
    assert [one.outcome for one in attempts_of(job_id)] == ["refused"]
    assert job_of(job_id).status == JobStatus.STARTING
    tasks.start(job_id)
    assert len(witness.creates) == 1, "not before it is due"
    make_due(job_id)
    tasks.start(job_id)
    assert job_of(job_id).status == JobStatus.RUNNING
    assert (len(witness.creates), len(witness.runs)) == (2, 1)


@pytest.mark.full
@on("sqlite", "postgresql")
@pytest.mark.parametrize("form", WAITS)
def test_F12_ten_minutes_of_each_form(stage, form):
    stage.start("beat", "worker")
    running = stage.settled(stage.queue_job(key="form:1")).id
    headers = asked_to_wait(form, ASKED)
    stage.witness.script(Fault(EVERYTHING, status=429, headers=headers, times=10**6))
    stage.witness.journal.clear()
    queued = stage.queue_job(key="form:2")

    passes(TEN_MINUTES)

    asked = [at for at, _ in stage.witness.journal.moments()]
    gaps = [later - at for at, later in pairwise(asked) if later - at > AT_ONCE]
    assert 1 <= len(asked) <= TEN_MINUTES + 2, "once a second at most"
    if form in {"seconds", "date"}:
        waits = gaps if form == "seconds" else gaps[:1]  # a date is over when it has passed
        assert min(waits) >= ASKED / DIVISOR - AT_ONCE
    if form == "huge":
        assert gaps == [], "a day has not passed"
    for job_id in (running, queued):
        assert job_of(job_id).status in ALIVE
    recovers(stage, running, queued, with_test=form == "huge")
    stage.invariants_hold()


@pytest.mark.full
@on("sqlite", "postgresql")
def test_F13_an_hour_of_faults(stage):
    stage.start("beat", "worker", "web")
    running = stage.settled(stage.queue_job()).id
    stage.witness.journal.clear()
    for number, fault in enumerate(FAULTS):
        stage.witness.script(Fault(EVERYTHING, every=3, skip=number, times=10**6, **fault))
    stage.witness.script(Fault(EVERYTHING, times=10**6, **FAULTS[0]))
    queued = stage.queue_job(key="form:2")

    passes(AN_HOUR)

    assert len(stage.witness.journal.read()) <= AN_HOUR
    assert stage.witness.creates == []
    for job_id in (running, queued):
        assert job_of(job_id).status in ALIVE
    assert "has a fault" in connection_of(stage.team.connection_id).words
    recovers(stage, running, queued)
    stage.invariants_hold()


@one_database
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault["status"]))
def test_F13_a_fault_of_theirs_is_told_and_fails_nothing(workshop, witness, browser, fault):
    running = queue_job(workshop)
    tasks.start(running)
    witness.script(Fault(EVERYTHING, times=10**6, **fault))
    queued = queue_job(workshop, key="form:2")
    for _ in range(12):
        make_due(queued)
        tasks.start(queued)
        make_due(running)
        look(workshop)
    assert {job_of(running).status, job_of(queued).status} <= ALIVE
    page = browser(workshop.users["viewer"]).get(f"/connections/{workshop.connection_id}")
    assert "has a fault" in page.text

    witness.calm()
    make_due(queued)
    tasks.start(queued)
    look(workshop)

    assert job_of(queued).status == JobStatus.RUNNING
    assert connection_of(workshop.connection_id).words is None
    assert len(witness.creates) == len(witness.runs) == 2


def passes(seconds):
    """Let so much time go by."""
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() > until, seconds + 60)


def recovers(stage, running, queued, *, with_test=False):
    """The provider is well again, and everything goes on by itself; of a wait of days only where a
    person tests the connection.
    """
    stage.witness.calm()
    stage.witness.change_run(
        job_of(running).run_id, status="succeeded", fine_tuned_model=f"ft:x:acme::{running}"
    )
    if with_test:
        with unit_of_work() as session:
            connection = session.get_one(Connection, stage.team.connection_id)
            testing.ask_for_test(session, connection, actor_id=stage.team.users["owner"])
    eventually(lambda: job_of(running).status == JobStatus.SUCCEEDED, WELL_AGAIN_SECONDS, every=0.2)
    assert stage.settled(queued).status == JobStatus.RUNNING
    assert len(stage.runs_of(job_of(queued))) == 1
    ended = job_of(queued).run_id
    stage.witness.change_run(ended, status="failed")
    eventually(lambda: job_of(queued).status == JobStatus.FAILED, WELL_AGAIN_SECONDS, every=0.2)
