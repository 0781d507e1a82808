"""Which processes live: one row each, written every few seconds, read by health page and
supervisor.
"""

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import String, delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, database, storage
from app.core.orm import Base

log = structlog.get_logger(__name__)

KINDS = ("web", "worker", "beat")
BEAT_SECONDS = 5.0
FRESH_SECONDS = 20.0
FORGET_AFTER = timedelta(days=1)

# Shared with the children a worker forks: they finish the work, the parent beats.
_done_at = multiprocessing.Value("d", 0.0, lock=False)


class Heartbeat(Base):
    """The last sign of life of one process; `last_done_at` is when it last finished a piece of
    work.
    """

    __tablename__ = "heartbeat"

    process: Mapped[str] = mapped_column(String(255), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), index=True)
    at: Mapped[datetime]
    last_done_at: Mapped[datetime | None]


def process_name(kind: str) -> str:
    """Who this process is: kind, machine, process number."""
    return f"{kind}@{socket.gethostname()}:{os.getpid()}"


def beat(session: Session, kind: str, *, has_worked: bool = False) -> None:
    """Write this process's sign of life."""
    moment = clock.now(session)
    name = process_name(kind)
    row = session.get(Heartbeat, name)
    if row is None:
        session.execute(delete(Heartbeat).where(Heartbeat.at < moment - FORGET_AFTER))
        row = Heartbeat(process=name, kind=kind, at=moment)
        session.add(row)
    row.at = moment
    if has_worked:
        row.last_done_at = moment


def done() -> None:
    """Remember that a piece of work was finished; the next beat writes it down."""
    _done_at.value = time.monotonic()


def keep_beating(kind: str, *, before: Callable[[Session], None] | None = None) -> threading.Event:
    """Beat in a thread until the returned event is set, and do something `before` each time, in the
    same unit of work. A database that is away is waited for.
    """
    stop = threading.Event()

    def run() -> None:
        told = 0.0
        while True:
            try:
                done_at = _done_at.value
                with database.unit_of_work() as session:
                    if before is not None:
                        before(session)
                    beat(session, kind, has_worked=done_at != told)
                told = done_at
            except SQLAlchemyError as error:
                if database.has_no_room(error):
                    storage.drop_ballast()
                log.warning("heartbeat.failed", kind=kind, error=str(error).split("\n")[0])
            if stop.wait(BEAT_SECONDS):
                return

    threading.Thread(target=run, name="heartbeat", daemon=True).start()
    return stop


def living_kinds(session: Session) -> set[str]:
    """The kinds of process of which at least one gave a sign of life lately."""
    since = clock.now(session) - timedelta(seconds=FRESH_SECONDS)
    return set(session.scalars(select(Heartbeat.kind).where(Heartbeat.at >= since).distinct()))


def ages(session: Session) -> dict[str, list[float]]:
    """Seconds since the last sign of life of every process that is not forgotten, by kind."""
    moment = clock.now(session)
    found: dict[str, list[float]] = {}
    for kind, at in session.execute(select(Heartbeat.kind, Heartbeat.at)):
        found.setdefault(kind, []).append((moment - at).total_seconds())
    return found
