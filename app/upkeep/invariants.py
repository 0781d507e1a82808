"""What must be true of the rows and files at every moment, whatever was killed or cut off."""

import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.core import storage
from app.core.database import read_only
from app.upkeep import queries

TTL_SLACK_SECONDS = 60.0
LATE_SECONDS = 120.0
SHOWN = 5


class Checked(NamedTuple):
    """One invariant: how many things were looked at, and those that break it, in words."""

    name: str
    looked_at: int
    broken: list[str]


def check(*, with_hashes: bool) -> Iterator[Checked]:
    """Every invariant in turn; `with_hashes` reads every stored byte."""
    for look in LOOKS:
        with read_only() as session:
            yield look(session)
    with read_only() as session:
        stored = queries.stored_versions(session)
    yield _files(stored, with_hashes=with_hashes)


def _statuses(session: Session) -> Checked:
    total, strange = queries.jobs_in_no_state(session)
    return Checked(
        "every job is in one state that fits it", total, [f"job {job_id}" for job_id in strange]
    )


def _orders(session: Session) -> Checked:
    total, twice = queries.jobs_ordered_twice(session)
    return Checked("a job is ordered once", total, [f"job {job_id}" for job_id in twice])


def _rescued(session: Session) -> Checked:
    total, ordered = queries.rescued_and_ordered(session)
    name = "a job that was started elsewhere is not started here"
    return Checked(name, total, [f"job {job_id}" for job_id in ordered])


def _runs(session: Session) -> Checked:
    total, shared = queries.runs_of_two_jobs(session)
    return Checked("a run belongs to one job", total, [f"run {run_id}" for run_id in shared])


def _leases(session: Session) -> Checked:
    total, stale = queries.forgotten_leases(session, TTL_SLACK_SECONDS)
    return Checked("no lease is forgotten while a worker lives", total, stale)


def _late(session: Session) -> Checked:
    total, late = queries.late_work(session, LATE_SECONDS)
    return Checked("nothing is due for two minutes while a worker lives", total, late)


def _files(stored: list[tuple[int, str, int]], *, with_hashes: bool) -> Checked:
    broken = []
    for version_id, sha256, size in stored:
        path = storage.blob_path(sha256)
        if not path.exists() or path.stat().st_size != size:
            broken.append(f"version {version_id}: its file is missing or has another size")
        elif with_hashes and _hash(sha256) != sha256:
            broken.append(f"version {version_id}: its file is not what it was")
        elif not storage.index_path(version_id).exists():
            broken.append(f"version {version_id}: its index is missing")
    return Checked("a ready version has its file and its index", len(stored), broken)


def _hash(sha256: str) -> str:
    found = hashlib.sha256()
    for piece in storage.read_blob(sha256):
        found.update(piece)
    return found.hexdigest()


LOOKS: tuple[Callable[[Session], Checked], ...] = (
    _statuses,
    _orders,
    _rescued,
    _runs,
    _leases,
    _late,
)
