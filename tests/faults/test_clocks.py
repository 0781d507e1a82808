"""F17 and F20: clocks that disagree, a clock that is set back, two clocks that ring, and none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.connections.models import Connection
from app.core import clock, heartbeat, queue, setback
from app.core.database import read_only, unit_of_work
from app.core.waiting import wait_asked_for
from app.jobs import queries, tasks
from app.jobs.models import Job, JobStatus, Orphan
from app.settings import settings
from tests.faults.stage import on
from tests.jobs.steps import look, look_for_orphans, make_due, queue_job
from tests.stage import job_of
from tests.witness.script import CREATE_RUN, Fault

TEN_MINUTES, AN_HOUR = 600, 3600
# Without a ring for ten seconds a worker looks by itself, every five.
LOOKS_BY_ITSELF, SLACK = 15, 15


def run_through(team, witness):
    """A job from the click to its model, with an order that gets no answer on the way."""
    witness.script(Fault(CREATE_RUN, end="drop", commits=True))
    job_id = queue_job(team)
    tasks.start(job_id)
    assert job_of(job_id).run_id is None
    make_due(job_id)
    tasks.start(job_id)
    run_id = job_of(job_id).run_id
    for status, more in (
        ("running", {}),
        ("succeeded", {"fine_tuned_model": "ft:gpt-4o-mini:acme::x", "trained_tokens": 1000}),
    ):
        witness.add_event(run_id, message=f"It is {status}.")
        witness.change_run(run_id, status=status, **more)
        look(team)
    look_for_orphans(team)
    return job_id


@pytest.mark.parametrize("ahead", [TEN_MINUTES, -TEN_MINUTES])
@pytest.mark.parametrize("whose", ["database", "provider"])
def test_F17_clocks_ten_minutes_apart_lose_and_double_nothing(workshop, witness, whose, ahead):
    if whose == "provider":
        witness.set(skew=ahead)
    else:  # and with it every web and every worker, the other way
        clock.shift(ahead)
    job = job_of(run_through(workshop, witness))
    assert (job.status, len(witness.creates)) == (JobStatus.SUCCEEDED, 1)
    assert [run["id"] for run in witness.runs] == [job.run_id]
    with read_only() as session:
        lines = [line.text for line in queries.events_of(session, job.id, limit=50)]
        assert session.query(Orphan).count() == 0
    assert [line for line in lines if line.startswith("It is")] == [
        "It is succeeded.",
        "It is running.",
    ]


@pytest.mark.parametrize("ahead", [TEN_MINUTES, -TEN_MINUTES])
def test_F17_a_date_to_wait_for_is_one_of_the_senders_clock(ahead):
    there = datetime.now(UTC) + timedelta(seconds=ahead)
    until = there + timedelta(seconds=30)
    told = {"date": format_datetime(there), "retry-after": format_datetime(until)}
    assert wait_asked_for(told) == 30


def test_F17_a_clock_set_back_an_hour_doubles_nothing_and_nobody_waits_an_hour(workshop, witness):
    running, waiting = queue_job(workshop), queue_job(workshop, key="form:2")
    tasks.start(running)
    with unit_of_work() as session:
        heartbeat.beat(session, "worker")
        held = session.get_one(Job, waiting)
        held.due_at = clock.now(session) + timedelta(seconds=20)

    clock.shift(-AN_HOUR)
    for one in (running, waiting):
        tasks.start(one)
    assert len(witness.creates) == 1
    for _ in range(2):
        with unit_of_work() as session:
            setback.mend(session)
            heartbeat.beat(session, "worker")
            moment = clock.now(session)
            left = session.get_one(Job, waiting).due_at - moment
            next_look = session.get_one(Connection, workshop.connection_id).due_at - moment
        assert timedelta() < left <= timedelta(seconds=20)
        assert next_look <= timedelta(seconds=60)

    clock.shift(-AN_HOUR + 21)
    tasks.start(waiting)
    look(workshop)
    assert [job_of(one).status for one in (running, waiting)] == [JobStatus.RUNNING] * 2
    assert len(witness.creates) == 2


@on(full=("sqlite", "postgresql"))
def test_F20_two_clocks_ring_and_everything_is_done_once(stage):
    stage.start("beat", "beat2", "worker")
    jobs = [stage.queue_job(key=f"form:{n}") for n in range(10)]
    assert [stage.assert_paid_once(one).status for one in jobs] == ["running"] * len(jobs)
    assert len(stage.witness.creates) == len(jobs)
    stage.invariants_hold()


@on(full=("sqlite", "postgresql"))
def test_F20_without_a_clock_the_worker_looks_by_itself(stage):
    stage.start("beat", "worker")
    stage.settled(stage.queue_job())
    stage.kill("beat")
    job_id = stage.queue_job(key="form:2")
    stage.settled(job_id, within=LOOKS_BY_ITSELF + SLACK)
    assert stage.assert_paid_once(job_id).status == "running"
    stage.invariants_hold()


@contextmanager
def a_clock_behind(seconds: float) -> Iterator[None]:
    """What a beat sends whose machine's clock is behind: rings that have expired when they arrive,
    among the letters of others that have not.
    """
    stop = threading.Event()

    def ring() -> None:
        while not stop.wait(0.2):
            expired = datetime.now(UTC) - timedelta(seconds=seconds - 10)
            queue.celery.send_task("provider.due", queue="provider", expires=expired)
            queue.celery.send_task("jobs.start", args=[999_999], queue="provider")

    queue.celery.conf.broker_url = queue.broker_url(settings().redis_url)
    queue.celery.amqp._producer_pool = None
    thread = threading.Thread(target=ring)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        queue.celery.amqp._producer_pool = None


@on(full=("sqlite",))
def test_F17_a_worker_that_throws_every_ring_away_as_too_old_looks_by_itself(stage):
    stage.start("worker")
    with a_clock_behind(TEN_MINUTES):
        job_id = stage.queue_job()
        stage.settled(job_id, within=60)
    assert stage.assert_paid_once(job_id).status == "running"
    stage.invariants_hold()
