"""Sessions and the unit of work. This is the only module that commits."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from sqlite3 import SQLITE_FULL
from sqlite3 import Connection as SqliteConnection
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request
from fastapi.concurrency import contextmanager_in_threadpool
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from app.settings import settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Threads for handlers; seats leave some to those that hold no session between two hops.
THREADS, SEATS = 12, 8
# Two connections a seat (a note is written beside a reading session), one a thread, one to beat.
MOST_CONNECTIONS = 2 * SEATS + THREADS + 2
# So many stay open; what a crowded moment needs beyond them is closed when it is given back.
KEPT_CONNECTIONS = SEATS + 2
POSTGRES_FULL = "53100"
INSERTS: dict[str, Callable[[Any], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}
READ_ONLY = {"luthier_read_only": True, "postgresql_readonly": True}


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# The connection used last is taken first: in turns, each of them fills caches of its own.
POOLED: dict[str, Any] = {
    "pool_size": KEPT_CONNECTIONS,
    "max_overflow": MOST_CONNECTIONS - KEPT_CONNECTIONS,
    "pool_use_lifo": True,
}
COMMON: dict[str, Any] = {
    # A list of jobs decodes a hundred JSON columns: the standard decoder takes half of its time.
    "json_serializer": _to_json,
    "json_deserializer": msgspec.json.decode,
    # A failed statement is logged; what it was about to write is nobody's business there.
    "hide_parameters": True,
}

SessionFactory = sessionmaker(expire_on_commit=False)


@lru_cache
def engine() -> Engine:
    """The engine of this process, made at first use so that a forked child gets its own."""
    url = settings().database_url
    if url.startswith("sqlite"):
        local = {"timeout": 15, "check_same_thread": False}
        made = create_engine(url, connect_args=local, **POOLED, **COMMON)
        event.listen(made, "connect", _prepare_sqlite)
        event.listen(made, "begin", _begin_sqlite)
        return made
    from app.core import postgres  # noqa: PLC0415 - an embedded instance has no use for the driver

    made = create_engine(url, **POOLED, **COMMON, pool_pre_ping=True)
    event.listen(made, "do_connect", postgres.connect)
    return made


def connections_open() -> int:
    """How many connections this process holds; none before the first use."""
    if not engine.cache_info().currsize:
        return 0
    pool = engine().pool
    return pool.checkedin() + pool.checkedout() if isinstance(pool, QueuePool) else 0


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    # The driver's own transactions start late and never for reads; BEGIN is written by hand below.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=15000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns to writing fails at once when another writer was faster.
    read_only = connection.get_execution_options().get("luthier_read_only")
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def forget_engine() -> None:
    """Drop inherited connections without closing them: a forked worker child must not share
    sockets.
    """
    if engine.cache_info().currsize:
        engine().dispose(close=False)
    engine.cache_clear()


def _session() -> Session:
    if "bind" not in SessionFactory.kw or SessionFactory.kw["bind"] is None:
        return SessionFactory(bind=engine())
    return SessionFactory()


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """Commit all of it or none of it, then send what was waiting for the commit."""
    with _session() as session:
        with session.begin():
            yield session
        send_waiting(session)


def write_through() -> None:
    """Have what was committed outlive a power cut too. PostgreSQL sees to that with every commit;
    SQLite's log is on its way to the disk for as long as the system likes.
    """
    path = engine().url.database
    if engine().dialect.name == "sqlite" and path:
        # No log: whoever closed the database last has written it all.
        with suppress(FileNotFoundError), Path(f"{path}-wal").open("rb") as log:
            os.fsync(log.fileno())


@contextmanager
def read_only() -> Iterator[Session]:
    """A session that can look and cannot change: the database itself refuses a write."""
    with _session() as session, session.begin():
        _look_only(session)
        yield session


def _look_only(session: Session) -> None:
    session.connection(execution_options=READ_ONLY)
    session.info["read_only"] = True


def is_read_only(session: Session) -> bool:
    """True for a session that `read_only` opened."""
    return bool(session.info.get("read_only"))


def has_no_room(error: BaseException) -> bool:
    """True for a failed statement of which the database says that its disk is full."""
    cause = getattr(error, "orig", None)
    code = getattr(cause, "sqlite_errorcode", None) or getattr(cause, "sqlstate", None)
    return code in {SQLITE_FULL, POSTGRES_FULL}


def send_waiting(session: Session) -> None:
    """Post the letters written during the unit of work: the rows they speak of are real now."""
    waiting: list[Any] = session.info.pop("after_commit", [])
    for send in waiting:
        send()


def after_commit(session: Session, send: Any) -> None:
    """Call `send()` once the caller's unit of work is committed; never if it is undone."""
    session.info.setdefault("after_commit", []).append(send)


async def request_session(request: Request) -> AsyncIterator[Session]:
    """One request, one unit of work; safe methods get a session that cannot write.

    A request hops between threads while its session is open. Were more sessions open than threads
    are left, the holder of the write lock could wait for a thread that waits for the lock: so as
    many requests are let in as there are seats, and the others wait here, holding nothing.
    """
    opened = read_only() if request.method in SAFE_METHODS else unit_of_work()
    seats: asyncio.Semaphore = request.app.state.seats
    async with seats, contextmanager_in_threadpool(opened) as session:
        yield session


# FastAPI runs a plain dependency's exit after the answer is sent: a redirect could then miss its
# own row.
DbSession = Annotated[Session, Depends(request_session, scope="function")]


def insert_new(session: Session, model: Any) -> Any:
    """An INSERT that passes over what is there already."""
    insert = INSERTS[session.get_bind().dialect.name](model.__table__)
    return insert.on_conflict_do_nothing()
