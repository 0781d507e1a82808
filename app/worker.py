"""The worker: the one list of task modules, and the one timetable."""

from celery.signals import beat_init, worker_ready

from app import reactions, tables
from app.catalog import tasks as catalog
from app.core import heartbeat, logs, queue
from app.core.queue import celery
from app.datasets import tasks as datasets
from app.jobs import tasks as jobs

MODULES = (tables, reactions, catalog, datasets, jobs)

QUEUES = ("provider", "ingest", "evaluate")

celery.conf.beat_schedule = {
    name: {"task": name, "schedule": 1.0, "options": {"queue": queue.QUEUES[name], "expires": 10}}
    for name in ("datasets.due", "jobs.due")
}

queue.connect()


@worker_ready.connect  # type: ignore[untyped-decorator]
def _worker_lives(**_: object) -> None:
    heartbeat.keep_beating("worker")


@beat_init.connect  # type: ignore[untyped-decorator]
def _beat_lives(**_: object) -> None:
    heartbeat.keep_beating("beat")


logs.configure()
