"""The worker: the one list of task modules, and the one timetable."""

import importlib

from celery.signals import beat_init, celeryd_init, worker_ready

from app.core import heartbeat, logs, queue
from app.core.queue import celery

# What a worker must know. The beat shares this file and needs none of it.
MODULES = (
    "app.tables",
    "app.reactions",
    "app.catalog.tasks",
    "app.datasets.tasks",
    "app.jobs.tasks",
    # Before the fork, so that the pool shares its memory.
    "app.providers.openai",
)

QUEUES = ("provider", "ingest", "evaluate")

# What the beat asks for every second, and on which queue.
TIMETABLE = {"datasets.due": "ingest", "jobs.due": "provider"}

celery.conf.beat_schedule = {
    name: {"task": name, "schedule": 1.0, "options": {"queue": place, "expires": 10}}
    for name, place in TIMETABLE.items()
}


def load() -> None:
    """Register every task."""
    for name in MODULES:
        importlib.import_module(name)


@celeryd_init.connect  # type: ignore[untyped-decorator]
def _worker_starts(**_: object) -> None:
    load()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _worker_lives(**_: object) -> None:
    heartbeat.keep_beating("worker")


@beat_init.connect  # type: ignore[untyped-decorator]
def _beat_lives(**_: object) -> None:
    heartbeat.keep_beating("beat")


queue.connect()
logs.configure()
