"""The worker: the one list of task modules, and the one clock."""

import functools
import importlib
import logging
import os
import threading
import time
from contextlib import suppress
from typing import Any

import structlog
from celery.signals import (
    beat_init,
    celeryd_init,
    setup_logging,
    task_received,
    worker_ready,
    worker_shutting_down,
)

from app.core import heartbeat, queue, setback
from app.core.queue import celery

log = structlog.get_logger(__name__)

# What a worker must know. The beat shares this file and needs none of it.
MODULES = (
    "app.tables",
    "app.reactions",
    "app.connections.tasks",
    "app.datasets.tasks",
    "app.datasets.moderation.tasks",
    "app.catalog.tasks",
    "app.jobs.tasks",
    "app.jobs.tasks_orphans",
    "app.playground.tasks",
    "app.evaluations.tasks",
    "app.evaluations.golden.tasks",
    "app.evaluations.reports.tasks",
    "app.evaluations.worst.tasks",
    "app.evaluations.duels.tasks",
    "app.evaluations.after.tasks",
    "app.evaluations.drift.tasks",
    "app.rescue.tasks",
    "app.notices.tasks",
    "app.notices.sending.tasks",
    "app.upkeep.tasks",
    # Before the fork, so that the pool shares its memory.
    "app.providers.openai",
)

QUEUES = ("provider", "ingest", "evaluate")
QUIET_SECONDS = 10.0
LOOK_SECONDS = 5.0

# The beat rings for each queue every second: one letter each, whatever there is to look for.
RINGS = {f"{place}.due": place for place in QUEUES}
for name, place in RINGS.items():
    queue.task(name, queue=place)(functools.partial(queue.ring, place))

celery.conf.beat_schedule = {
    name: {"task": name, "schedule": 1.0, "options": {"queue": place, "expires": 10}}
    for name, place in RINGS.items()
}

queue.connect()


@setup_logging.connect  # type: ignore[untyped-decorator]
def _keep_our_logs(**_: object) -> None:
    """`app.__main__` has set up the logs; listening keeps Celery from setting up its own."""
    # A task's failure is written by `queue.working`, with its ids.
    logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)


_heard_at = time.monotonic()
_stopping = threading.Event()


def load() -> None:
    """Register every task."""
    for name in MODULES:
        importlib.import_module(name)


@celeryd_init.connect  # type: ignore[untyped-decorator]
def _worker_starts(**_: object) -> None:
    try:
        load()
    except Exception:
        # Celery would swallow it, and a worker without tasks throw every letter away.
        log.exception("worker.cannot_load")
        os._exit(1)


@task_received.connect  # type: ignore[untyped-decorator]
def _heard(request: Any, **_: object) -> None:
    """Only the clock's own letters count: they expire, and a worker whose clock is ahead throws
    every one of them away while others still reach it.
    """
    global _heard_at  # noqa: PLW0603 - one note per process, read by its own looking thread
    if request.name in RINGS:
        _heard_at = time.monotonic()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _worker_lives(**_: object) -> None:
    heartbeat.keep_beating("worker", before=setback.mend)
    threading.Thread(target=_look_by_itself, name="look", daemon=True).start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def _worker_stops(**_: object) -> None:
    _stopping.set()


@beat_init.connect  # type: ignore[untyped-decorator]
def _beat_lives(**_: object) -> None:
    heartbeat.keep_beating("beat")


def _look_by_itself() -> None:
    """Beat rings every second. No ringing for a while means: the broker or beat is away, or this
    worker stopped listening after a reconnect. Then the work is done here, from the database alone.
    """
    while not _stopping.wait(LOOK_SECONDS):
        if time.monotonic() - _heard_at > QUIET_SECONDS:
            work_without_letters()


def work_without_letters() -> None:
    """Do what is due, once, one after the other. A failure is logged and stops nothing else."""
    for name, row_id in queue.due(*QUEUES):
        with suppress(Exception):  # `working` has written it down
            with queue.working(name, row_id):
                queue.TASKS[name](row_id)
            heartbeat.done()
