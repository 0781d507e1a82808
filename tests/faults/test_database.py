"""F7, F8 and F33: PostgreSQL goes away, in every way but failover, under people and workers."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psycopg
import pytest

from tests import proxy
from tests.faults.people import Crowd
from tests.faults.stage import Stage, on
from tests.measured import MEASURED
from tests.waiting import eventually
from tests.witness.script import CREATE_RUN, Fault

RECOVERS_WITHIN = 30
AWAY_SECONDS = 60


def restarted(stage: Stage) -> None:
    """As an operator does it."""
    stage.postgres.stop()
    stage.postgres.start()


def away(stage: Stage) -> None:
    """For a minute there is nobody."""
    stage.postgres.stop()
    time.sleep(AWAY_SECONDS)
    stage.postgres.start()


def killed(stage: Stage) -> None:
    """It dies and comes back by its log."""
    stage.postgres.kill()
    stage.postgres.start()


def everybody_thrown_out(stage: Stage) -> None:
    """pg_terminate_backend for all, ten times in a row."""
    with psycopg.connect(stage.postgres.url("postgres"), autocommit=True) as root:
        for _ in range(10):
            root.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            time.sleep(0.2)


def crowded(stage: Stage) -> None:
    """Others take every connection that there is, ours too."""
    until = time.monotonic() + 15
    crowd = f"{stage.database_url}&application_name=crowd"
    with ExitStack() as stack:
        root = stack.enter_context(psycopg.connect(crowd, autocommit=True))
        while time.monotonic() < until:
            root.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name <> 'crowd' AND backend_type = 'client backend'"
            )
            with suppress(psycopg.OperationalError):
                while True:
                    stack.enter_context(psycopg.connect(crowd))


FAULTS = (restarted, away, killed, everybody_thrown_out, crowded)


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@on("mortal")
def test_F7_people_are_told_workers_come_back_and_nothing_is_half_done(
    stage, fault, record_property
):
    stage.start("web", "beat", "worker")
    with Crowd(stage) as crowd:
        eventually(crowd.is_served, within=30)
        jobs = [stage.queue_job(key=f"form:{n}") for n in range(5)]
        fault(stage)
        ended_at, heard = time.monotonic(), len(crowd.answers)
        eventually(lambda: crowd.is_served(heard), within=RECOVERS_WITHIN)
        again = time.monotonic() - ended_at
        refused = sum(one.status == 503 for one in crowd.answers)
        words = f"F7 {fault.__name__}: {refused} of {len(crowd.answers)} answers were 503, "
        record_property(MEASURED, f"{words}all served {again:.1f} s after it was over")
    crowd.assert_told()
    for job_id in jobs:
        stage.assert_paid_once(job_id)
    stage.invariants_hold()


@contextmanager
def far_database(stage: Stage) -> Iterator[proxy.Proxy]:
    """A line between the processes of the stage and its database."""
    with proxy.before(stage.postgres.socket) as line:
        stage.env["DATABASE_URL"] = line.database_url(stage.database_url)
        yield line
    stage.env["DATABASE_URL"] = stage.database_url


@pytest.mark.full
@on("postgresql")
def test_F7_a_database_that_says_nothing_at_all_is_given_up_and_found_again(stage):
    with far_database(stage) as line:
        stage.start("web", "beat", "worker")
        with Crowd(stage) as crowd:
            eventually(crowd.is_served, within=30)
            line.freeze()
            eventually(lambda: sum(one.status == 503 for one in crowd.answers) >= 3, within=60)
            job_id = stage.queue_job()
            line.mend()
            heard = len(crowd.answers)
            eventually(lambda: crowd.is_served(heard), within=RECOVERS_WITHIN)
        crowd.assert_told()
        stage.assert_paid_once(job_id)
        stage.invariants_hold()


@pytest.mark.full
@pytest.mark.parametrize("how", ["refuse", "freeze"])
@on("postgresql")
def test_F33_a_worker_cut_off_from_the_database_while_its_order_is_out_pays_once(stage, how):
    stage.witness.script(Fault(CREATE_RUN, end="real", delay=2))
    with far_database(stage) as line:
        stage.start("beat", "worker")
        job_id = stage.queue_job()
        eventually(lambda: stage.witness.creates, within=60)
        getattr(line, how)()
        eventually(lambda: stage.witness.runs, within=30)
        time.sleep(3)  # the answer is here, and cannot be written down
        line.mend()
        job = stage.assert_paid_once(job_id)
    assert (job.status, len(stage.orders_of(job))) == ("running", 1)
    stage.invariants_hold()


@pytest.mark.full
@pytest.mark.parametrize(
    ("written", "becomes"),
    [(b"INSERT INTO start_attempts", "in_doubt"), (b"UPDATE start_attempts", "running")],
    ids=["the order", "its answer"],
)
@on("postgresql")
def test_F8_a_worker_whose_commit_got_no_answer_pays_once(stage, written, becomes):
    with far_database(stage) as line:
        line.swallow(written, b"COMMIT")
        stage.start("beat", "worker")
        job_id = stage.queue_job()
        job = stage.assert_paid_once(job_id)
        assert line.swallowed.is_set()
    assert job.status == becomes
    assert len(stage.orders_of(job)) == (1 if becomes == "running" else 0)
    stage.invariants_hold()
