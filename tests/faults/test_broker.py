"""F6: the broker goes away in every way; pages answer, and work goes on by the clock alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests import proxy
from tests.faults.people import Person
from tests.faults.stage import IS_FULL, Stage, on
from tests.measured import MEASURED
from tests.waiting import eventually

AWAY_SECONDS = 600 if IS_FULL else 45
# A worker that hears no ringing looks by itself after ten seconds, and then every five.
LOOKS_BY_ITSELF, SLACK = 15, 10
HEARS_WITHIN = 60


def asked(stage: Stage) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(stage.broker.path))


@contextmanager
def restarted(stage: Stage, _line: proxy.Proxy) -> Iterator[None]:
    stage.broker.end()
    stage.broker.start()
    yield


@contextmanager
def emptied(stage: Stage, _line: proxy.Proxy) -> Iterator[None]:
    with asked(stage) as broker:
        broker.flushall()
    yield


@contextmanager
def everybody_thrown_out(stage: Stage, _line: proxy.Proxy) -> Iterator[None]:
    with asked(stage) as broker:
        for _ in range(5):
            broker.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            broker.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            time.sleep(0.2)
    yield


@contextmanager
def full(stage: Stage, _line: proxy.Proxy) -> Iterator[None]:
    with asked(stage) as broker:
        broker.config_set("maxmemory", 1)
        yield
        broker.config_set("maxmemory", 0)


@contextmanager
def away(stage: Stage, _line: proxy.Proxy) -> Iterator[None]:
    stage.broker.end()
    gone_at = time.monotonic()
    yield
    time.sleep(max(0, AWAY_SECONDS - (time.monotonic() - gone_at)))
    stage.broker.start()


@contextmanager
def silent(_stage: Stage, line: proxy.Proxy) -> Iterator[None]:
    line.freeze()
    yield
    line.mend()


@contextmanager
def silent_then_forgotten(_stage: Stage, line: proxy.Proxy) -> Iterator[None]:
    """Both ends think they are connected; only new connections reach it."""
    line.freeze()
    yield
    line.cut()
    line.mend()


FAULTS = (restarted, emptied, everybody_thrown_out, full, away, silent, silent_then_forgotten)


def rings(stage: Stage) -> int:
    """How many of the clock's letters the worker has worked on so far."""
    lines = stage.programs["worker"].output.splitlines()
    return sum('"task.done"' in line and '"provider.due"' in line for line in lines)


@pytest.mark.full
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@on("sqlite")
def test_F6_pages_answer_work_goes_on_and_the_worker_hears_again(stage, fault, record_property):
    place = f"/projects/{stage.team.project_id}"
    with proxy.before(stage.broker.path) as line:
        stage.env["REDIS_URL"] = f"redis://127.0.0.1:{line.port}/0"
        stage.env["LUTHIER_LOG_LEVEL"] = "DEBUG"
        stage.start("web", "beat", "worker")
        eventually(lambda: rings(stage) > 3, within=60)
        began_at = time.monotonic()
        with fault(stage, line), Person(stage) as person:
            job_id = stage.queue_job()
            for n in range(3):
                assert person.page(place).status_code == 200
                answer = person.call("POST", "/projects", json={"name": f"No. {n}"})
                assert answer.status_code == 201
            answered = time.monotonic() - began_at
            stage.settled(job_id, within=LOOKS_BY_ITSELF + SLACK)
            settled = time.monotonic() - began_at
        mended_at, heard = time.monotonic(), rings(stage)
        eventually(lambda: rings(stage) > heard + 3, within=HEARS_WITHIN)
        heard_again = time.monotonic() - mended_at
        assert stage.assert_paid_once(job_id).status == "running"
        assert stage.settled(stage.queue_job(key="form:2"), within=20).status == "running"
    stage.invariants_hold()
    words = f"F6 {fault.__name__}: six answers in {answered:.1f} s, a job begun in {settled:.1f} s"
    record_property(MEASURED, f"{words}, letters heard again {heard_again:.1f} s after it was over")
