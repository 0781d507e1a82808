"""Letters and nudges: sent after the commit, lost without harm, heard by those who wait."""

import asyncio
import time
from collections import defaultdict
from types import SimpleNamespace

import structlog

from app.core import events, queue
from app.core.database import unit_of_work
from app.settings import settings


def test_a_broker_that_is_away_costs_half_a_second_at_most(home):
    started = time.monotonic()
    # An earlier test may have left a connection to a broker that answers.
    queue.celery.amqp._producer_pool = None
    queue.celery.conf.broker_url = queue.broker_url(settings().redis_url)
    with structlog.testing.capture_logs() as written:
        queue.post("provider.due")
        events.nudge("job:1")
    assert time.monotonic() - started < 5
    assert {line["event"] for line in written} == {"broker.unreachable", "nudge.failed"}


def test_letters_are_written_now_and_sent_after_the_commit(database, letters):
    with unit_of_work() as session:
        queue.enqueue(session, "jobs.start", 7)
        events.announce(session, "job:7", "project:1")
        assert (letters.tasks, letters.nudges) == ([], [])
    assert letters.tasks == [("jobs.start", (7,))]
    assert letters.nudges == ["job:7", "project:1"]


def test_a_task_takes_words_it_does_not_know():
    from app import worker

    worker.load()
    body = queue.celery.tasks["jobs.start"]
    assert body.ignore_result
    assert queue.celery.conf.task_acks_late is False
    assert queue.celery.conf.worker_prefetch_multiplier == 1
    assert queue.celery.conf.accept_content == ["json"]


def test_work_that_fails_stops_no_other(monkeypatch):
    from app import worker

    def broken():
        raise RuntimeError("No database.")

    def fails(_row_id):
        raise RuntimeError("No.")

    done = []
    finders = {"provider": [broken], "ingest": [lambda: [("fails", 1), ("works", 2)]]}
    monkeypatch.setattr(queue, "FINDERS", defaultdict(list, finders))
    monkeypatch.setattr(queue, "TASKS", {"fails": fails, "works": done.append})
    with structlog.testing.capture_logs() as written:
        worker.work_without_letters()
    assert done == [2]
    events_written = [line["event"] for line in written]
    assert events_written == ["look.failed", "task.failed", "task.done"]


def test_only_the_clocks_own_letters_are_a_ring(monkeypatch):
    from app import worker

    monkeypatch.setattr(worker, "_heard_at", 0.0)
    worker._heard(SimpleNamespace(name="jobs.start"))
    assert worker._heard_at == 0.0
    worker._heard(SimpleNamespace(name="provider.due"))
    assert worker._heard_at > 0.0


def test_a_nudge_reaches_every_page_that_waits_for_it(broker_url, monkeypatch):
    monkeypatch.setenv("REDIS_URL", broker_url)
    settings.cache_clear()
    events._client.cache_clear()

    async def listen():
        async with (
            events.Hub().running() as hub,
            hub.subscribed(["job:1"]) as one,
            hub.subscribed(["job:1", "job:2"]) as two,
        ):
            deadline = time.monotonic() + 10
            while one.empty() and time.monotonic() < deadline:
                await asyncio.to_thread(events.nudge, "job:1")
                await asyncio.sleep(0.02)
            await asyncio.to_thread(events.nudge, "job:3")
            await asyncio.to_thread(events.nudge, "job:2")
            told = set()
            while "job:2" not in told:
                told.add(await asyncio.wait_for(two.get(), 10))
            return await one.get(), told

    assert asyncio.run(listen()) == ("job:1", {"job:1", "job:2"})


def test_a_slow_reader_loses_repeats_and_nothing_else():
    async def flood():
        hub = events.Hub()
        async with hub.subscribed(["job:1"]) as waiting:
            for _ in range(1000):
                hub.deliver("job:1")
            return waiting.qsize(), await waiting.get()

    assert asyncio.run(flood()) == (100, "job:1")
