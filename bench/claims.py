"""Claims of rows that are work, by eight processes at once: a hundred a time, and one by one.

    python -m bench.claims [--rows 100000] [--singly 4000] [--claimers 8]

Claimed: on a PostgreSQL with its usual settings, which wait for the disk, >= 20,000 rows a second
claimed and given back through `core/leases` in batches of 100, and none given to two. Beside it
stand the same on SQLite, the same rows one by one, and what the databases do with the same
statements and none of the program: bare psycopg, bare sqlite3.
"""

import argparse
import multiprocessing
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import insert
from sqlalchemy.orm import Mapped

from app.core import clock, database, leases
from app.core.database import unit_of_work
from app.core.leases import Leased
from app.core.orm import Base, Id
from app.settings import settings
from tests import postgres

CLAIM_PER_SECOND = 20_000
BATCH = 100
LEASE_SECONDS = 60
USUAL = ("shared_buffers=128MB",)
CHOSEN = """
    SELECT id FROM errands WHERE due_at <= {now} AND (lease_until IS NULL OR lease_until < {now})
    AND attempts < 3 ORDER BY due_at LIMIT 100
"""
TAKE = """
    WITH due AS ({chosen} {lock})
    UPDATE errands SET fence = fence + 1, attempts = attempts + 1, lease_until = {until}
    WHERE id IN (SELECT id FROM due) RETURNING id, fence
"""
TAKE_POSTGRES = TAKE.format(
    chosen=CHOSEN.format(now="clock_timestamp()"),
    lock="FOR UPDATE SKIP LOCKED",
    until="clock_timestamp() + interval '60 s'",
)
GIVE_POSTGRES = """
    UPDATE errands SET due_at = NULL, lease_until = NULL, attempts = 0
    FROM unnest(%s::bigint[], %s::bigint[]) AS held(id, fence)
    WHERE errands.id = held.id AND errands.fence = held.fence
"""
NOW_SQLITE = "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
TAKE_SQLITE = TAKE.format(
    chosen=CHOSEN.format(now=NOW_SQLITE),
    lock="",
    until=NOW_SQLITE.replace("'now'", "'now', '60 seconds'"),
)
GIVE_SQLITE = """
    UPDATE errands SET due_at = NULL, lease_until = NULL, attempts = 0
    WHERE (id, fence) IN (VALUES {})
"""


class Errand(Leased, Base):
    """Work that is nothing but claimed and given back."""

    __tablename__ = "errands"

    id: Mapped[Id]


def in_batches(_numbers: range) -> Iterator[int]:
    """A hundred at a time until there are none; who gives some back takes the next with it."""
    taken: dict[int, int] = {}
    while True:
        with unit_of_work() as session:
            given = leases.settle_many(session, Errand, taken, due_at=None) if taken else set()
            assert given == taken.keys()
            taken = leases.claim_many(session, Errand, seconds=LEASE_SECONDS, limit=BATCH)
        yield from given
        if not taken:
            return


def one_by_one(numbers: range) -> Iterator[int]:
    """Each by its id, as a task with a letter does."""
    for number in numbers:
        with unit_of_work() as session:
            fence = leases.claim(session, Errand, number, seconds=LEASE_SECONDS)
        assert fence is not None
        with unit_of_work() as session:
            held = leases.hold(session, Errand, number, fence)
            assert held is not None
            leases.settle(held, due_at=None)
        yield number


def bare(_numbers: range) -> Iterator[int]:
    """The same statements without the program."""
    url = os.environ["DATABASE_URL"]
    return bare_sqlite(url) if url.startswith("sqlite") else bare_postgres(url)


def bare_postgres(url: str) -> Iterator[int]:
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        ids, fences = list[int](), list[int]()
        while True:
            with connection.transaction():
                connection.execute(GIVE_POSTGRES, (ids, fences))
                yield from ids
                taken = connection.execute(TAKE_POSTGRES).fetchall()
            if not taken:
                return
            ids, fences = (list(column) for column in zip(*taken, strict=True))


def bare_sqlite(url: str) -> Iterator[int]:
    path = url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        taken: list[tuple[int, int]] = []
        while True:
            connection.execute("BEGIN IMMEDIATE")
            if taken:
                marks = ",".join(["(?,?)"] * len(taken))
                values = [value for pair in taken for value in pair]
                connection.execute(GIVE_SQLITE.format(marks), values)
            yield from (number for number, _ in taken)
            taken = connection.execute(TAKE_SQLITE).fetchall()
            connection.execute("COMMIT")
            if not taken:
                return


WAYS: dict[str, Callable[[range], Iterator[int]]] = {
    "in batches of 100": in_batches,
    "one by one": one_by_one,
    "bare statements": bare,
}


def claimer(way: str, numbers: range, barrier: Any, told: Any) -> None:
    """One process: warm up, wait for the others, work until nothing is left, say what it had."""
    with unit_of_work() as session:
        leases.claim_many(session, Errand, seconds=LEASE_SECONDS, limit=0)
        leases.settle_many(session, Errand, {0: 0}, due_at=None)
    barrier.wait()
    begun = time.time()
    done = list(WAYS[way](numbers))
    told.put((begun, time.time(), done))


def measure(way: str, rows: int, claimers: int) -> float:
    """Rows a second from the first claim to the last that was given back; each is had once."""
    with unit_of_work() as session:
        session.query(Errand).delete()
        moment = clock.now(session)
        made = [{"id": n + 1, "due_at": moment, "fence": 0, "attempts": 0} for n in range(rows)]
        session.execute(insert(Errand), made)
    database.engine().dispose()
    start = multiprocessing.get_context("spawn")
    barrier, told = start.Barrier(claimers), start.Queue()
    share = rows // claimers
    workers = [
        start.Process(target=claimer, args=(way, range(1 + n * share, 1 + (n + 1) * share), *ends))
        for n, ends in enumerate([(barrier, told)] * claimers)
    ]
    for worker in workers:
        worker.start()
    answers = [told.get() for _ in workers]
    for worker in workers:
        worker.join()
    every = sorted(number for _, _, done in answers for number in done)
    assert every == list(range(1, rows + 1)), "a row was given to two, or to none"
    seconds = max(end for _, end, _ in answers) - min(begun for begun, _, _ in answers)
    return rows / seconds


@contextmanager
def on(url: str, place: str) -> Iterator[None]:
    """The table, and nothing else, in this database."""
    os.environ |= {"DATABASE_URL": url, "LUTHIER_HOME": place}
    settings.cache_clear()
    database.engine.cache_clear()
    Errand.metadata.create_all(database.engine(), tables=[Errand.metadata.tables["errands"]])
    yield
    database.engine().dispose()


def measure_all(name: str, rows: int, singly: int, claimers: int) -> dict[str, float]:
    """Each way on the database at hand."""
    found = {}
    for way in WAYS:
        many = (singly if way == "one by one" else rows) // claimers * claimers
        found[way] = measure(way, many, claimers)
        print(f"  {name:<11}{way:<18} {found[way]:>9,.0f} a second")
    return found


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, default=100_000)
    words.add_argument("--singly", type=int, default=4_000)
    words.add_argument("--claimers", type=int, default=8)
    asked = words.parse_args()
    print(f"{asked.claimers} claimers, {asked.rows:,} rows claimed and given back, none twice:")
    with tempfile.TemporaryDirectory(prefix="luthier-") as place:
        with postgres.running(USUAL) as server, on(server.create("claims"), place):
            found = measure_all("PostgreSQL", asked.rows, asked.singly, asked.claimers)
        with on(f"sqlite:///{Path(place) / 'claims.sqlite'}", place):
            measure_all("SQLite", asked.rows // 4, asked.singly // 4, asked.claimers)
    high = found["in batches of 100"]
    print(f"{high:,.0f} a second in batches on PostgreSQL (claim >= {CLAIM_PER_SECOND:,})")
    return 0 if high >= CLAIM_PER_SECOND else 1


if __name__ == "__main__":
    raise SystemExit(main())
