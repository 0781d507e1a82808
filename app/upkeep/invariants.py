"""What must be true of the rows and files at every moment, whatever was killed or cut off."""

import hashlib
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.core import storage
from app.core.database import read_only
from app.datasets import mending
from app.datasets.derived.registry import DERIVERS
from app.datasets.derived.slices import derived_path
from app.datasets.gone import IndexGone
from app.datasets.index import connect_finished
from app.datasets.models import DerivedStatus
from app.upkeep import queries, queries_derived, queries_evaluations, queries_money
from app.upkeep import queries_invariants as selects

SHOWN = 5
# They are removed once a day when they are a day old.
PART_SECONDS = 2.1 * 86400


class Checked(NamedTuple):
    """One invariant: how many things were looked at, and those that break it, in words."""

    name: str
    looked_at: int
    broken: list[str]


LOOKS: tuple[tuple[str, Callable[[Session], selects.Looked]], ...] = (
    ("every job is in one state that fits it", selects.jobs_in_no_state),
    ("a job is ordered once", selects.jobs_ordered_twice),
    ("no order goes out that nobody asked for", selects.orders_nobody_allowed),
    ("a job that was started elsewhere is not started here", selects.rescued_and_ordered),
    ("a run belongs to one job", selects.runs_of_two_jobs),
    ("a run that has its job waits for nobody", selects.runs_with_and_without_a_job),
    ("where orders went out, stray runs are looked for", selects.connections_not_looked_through),
    ("an order without an answer becomes a person's question", selects.orders_left_unproved),
    ("orders are numbered without a gap", selects.gaps_in_orders),
    ("an end is not taken back", selects.ends_taken_back),
    ("points come in the order of their steps", selects.points_out_of_order),
    ("what became of a job stands in the activity", selects.changes_without_a_line),
    ("a restored instance orders nothing unasked", selects.ordered_before_allowed),
    ("what was ordered is in the ledger, once", queries_money.rows_that_do_not_fit),
    ("an answer that is kept is asked for no more", queries_evaluations.results_in_no_state),
    (
        "a judge's reply that is kept is asked for no more",
        queries_evaluations.judgements_in_no_state,
    ),
    ("a judge's sum is that of its questions", queries_evaluations.judges_that_do_not_add_up),
    (
        "a contestant's sums are those of its results",
        queries_evaluations.contestants_that_do_not_add_up,
    ),
    ("a run that is over is done and paid", queries_evaluations.runs_that_do_not_fit),
    (
        "a ready version has a row for each further file",
        queries_derived.versions_without_rows,
    ),
    ("a further file is made, or due to be", queries_derived.rows_in_no_state),
    ("no lease is forgotten while a worker lives", selects.forgotten_leases),
    ("nothing is due for two minutes while a worker lives", selects.late_work),
)


def check(*, with_hashes: bool) -> Iterator[Checked]:
    """Every invariant in turn; `with_hashes` reads every stored byte."""
    for name, look in LOOKS:
        with read_only() as session:
            yield Checked(name, *look(session))
    with read_only() as session:
        stored = queries.stored_versions(session)
        further = queries_derived.known_files(session)
    yield _files(stored, with_hashes=with_hashes)
    yield _further({one[0] for one in stored}, further, with_hashes=with_hashes)
    yield _torn_parts()


def _files(stored: list[tuple[int, str, int, int]], *, with_hashes: bool) -> Checked:
    broken = []
    for version_id, sha256, size, rows in stored:
        path = storage.blob_path(sha256)
        if not path.exists() or path.stat().st_size != size:
            broken.append(f"version {version_id}: its file is missing or has another size")
        elif with_hashes and _hash(sha256) != sha256:
            broken.append(f"version {version_id}: its file is not what it was")
        elif not storage.index_path(version_id).exists():
            broken.append(f"version {version_id}: its index is missing")
        elif with_hashes and _rows(version_id) != rows:
            broken.append(f"version {version_id}: its index does not hold its rows")
    return Checked("a ready version has its file and its index", len(stored), broken)


def _further(ready: set[int], known: dict[tuple[int, str], str], *, with_hashes: bool) -> Checked:
    broken = []
    made = [one for one, status in known.items() if status == DerivedStatus.READY]
    for version_id, kind in made:
        index = storage.index_path(version_id)
        if mending.missing(index, [kind], is_close=with_hashes):
            broken.append(f"version {version_id}: its file of {kind} is missing or damaged")
    for version_id, kind in itertools.product(sorted(ready), DERIVERS):
        path = derived_path(storage.index_path(version_id), DERIVERS[kind])
        if (version_id, kind) not in known and path.exists():
            broken.append(f"version {version_id}: its file of {kind} has no row")
    return Checked("a further file has its row, and is there once it is made", len(made), broken)


def _hash(sha256: str) -> str:
    found = hashlib.sha256()
    for piece in storage.read_blob(sha256):
        found.update(piece)
    return found.hexdigest()


def _rows(version_id: int) -> int | None:
    """How many rows a version's index holds; None where it cannot be read."""
    try:
        with closing(connect_finished(storage.index_path(version_id))) as index:
            return int(index.execute("SELECT count(*) FROM rows").fetchone()[0])
    except (sqlite3.DatabaseError, IndexGone):
        return None


def _torn_parts() -> Checked:
    parts = list(storage.folder("blobs").glob("*.part"))
    old = [one.name for one in parts if time.time() - one.stat().st_mtime > PART_SECONDS]
    return Checked("what a torn upload left is removed within two days", len(parts), old)
