"""Celery as a doorbell: tasks carry ids, letters are posted after the commit, and a lost letter
costs a second.
"""

import functools
import inspect
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from celery import Celery
from celery.signals import worker_process_init
from kombu.exceptions import OperationalError
from sqlalchemy.orm import Session

from app.core import database, heartbeat
from app.settings import settings

log = structlog.get_logger(__name__)

# Whoever writes a letter is waited for by a person; a worker that reads has time.
WRITING = {"socket_timeout": 0.5, "retry_on_timeout": False}


class Doorbell(Celery):  # type: ignore[misc]
    """Celery, whose letters are posted at once or not at all."""

    def connection_for_write(self, url: str | None = None, **words: Any) -> Any:
        """A connection that gives up soon on a broker that has fallen silent."""
        return super().connection_for_write(url, transport_options=WRITING, **words)


celery = Doorbell("luthier", set_as_current=True)
celery.conf.update(
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    result_backend=None,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="provider",
    task_create_missing_queues=True,
    task_time_limit=120,
    worker_hijack_root_logger=False,
    worker_max_tasks_per_child=None,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    event_queue_expires=60,
    broker_connection_retry_on_startup=True,
    # However long the broker is away: the work goes on without it meanwhile.
    broker_connection_max_retries=None,
    # A broker without memory refuses even that a letter was read: no reason to end.
    broker_channel_error_retry=True,
    broker_connection_timeout=2,
    enable_utc=True,
    # kombu's own defaults look for lost messages only every hundred seconds.
    broker_transport_options={
        "visibility_timeout": 300,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_timeout": 30,
        "socket_connect_timeout": 0.5,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "retry_on_timeout": True,
    },
    task_publish_retry=False,
)

# A task's name and the id of the row it is about.
Work = tuple[str, int]

TASKS: dict[str, Callable[..., Any]] = {}
# What finds due work, by queue; the clock rings for each queue, and a worker that hears no ringing
# asks by itself.
Finder = Callable[[], list[Work]]
FINDERS: dict[str, list[Finder]] = defaultdict(list)
QUEUES: dict[str, str] = {}


def finds_work(queue: str = "provider") -> Callable[[Finder], Finder]:
    """Register a function that says what is due, asked for by way of that queue."""

    def register(function: Finder) -> Finder:
        FINDERS[queue].append(function)
        return function

    return register


def due(*queues: str) -> Iterator[Work]:
    """All that is due on these queues. What one finder trips over is logged, and hides nothing that
    the others find.
    """
    for find in [find for queue in queues for find in FINDERS[queue]]:
        try:
            found = find()
        except Exception:
            log.exception("look.failed", finder=find.__module__)
            continue
        yield from found


def ring(queue: str) -> None:
    """Send a letter for everything that is due on a queue."""
    for name, row_id in due(queue):
        post(name, row_id)


def task(
    name: str, *, queue: str = "provider", time_limit: int | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as a task and give the plain function back, so that tests just call it.

    Arguments are ids. Unknown keyword arguments are dropped, so that old and new code can overlap
    in a deploy.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def body(*args: Any, **_unknown: Any) -> None:
            with working(name, *args):
                function(*args)
            heartbeat.done()

        celery.task(name=name, ignore_result=True, time_limit=time_limit)(body)
        TASKS[name] = function
        QUEUES[name] = queue
        celery.conf.task_routes = {known: {"queue": place} for known, place in QUEUES.items()}
        return function

    return register


@contextmanager
def working(name: str, *args: Any) -> Iterator[None]:
    """What a task writes carries its name and its ids; how it ended, and after how long, is said.

    The clock's own tasks are said only when they fail.
    """
    named = inspect.signature(TASKS[name]).parameters if name in TASKS else ()
    ids = {word.removesuffix("_id"): value for word, value in zip(named, args, strict=False)}
    begun_at = time.monotonic()
    with structlog.contextvars.bound_contextvars(task=name, **ids):
        try:
            yield
        except Exception:
            log.exception("task.failed", seconds=round(time.monotonic() - begun_at, 3))
            raise
        tell = log.info if ids else log.debug
        tell("task.done", seconds=round(time.monotonic() - begun_at, 3))


def enqueue(session: Session, name: str, *args: int) -> None:
    """Ask for a task once the caller's unit of work is committed. A broker that is away costs
    nothing but time: the row says it is due, and the clock finds it.
    """
    database.after_commit(session, functools.partial(post, name, *args))


def post(name: str, *args: int) -> None:
    """Send the letter now. Never raises for a missing broker; the failure is logged."""
    try:
        connect()
        celery.send_task(name, args=args, queue=QUEUES.get(name, "provider"), retry=False)
    except (OperationalError, OSError) as error:
        log.warning("broker.unreachable", task=name, error=str(error))


@functools.lru_cache
def connect() -> None:
    """Name the broker at first use: importing a domain must not need one."""
    celery.conf.broker_url = broker_url(settings().redis_url)


def broker_url(url: str) -> str:
    """kombu says redis+socket:// where redis-py says unix://; settings hold redis-py's form."""
    return url.replace("unix://", "redis+socket://", 1)


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _fresh_child(**_: object) -> None:
    """A pool child inherits sockets it must not share, and a parent's handlers it must not run."""
    database.forget_engine()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
