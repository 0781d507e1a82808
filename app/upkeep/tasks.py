"""The worker's part: measure what takes space, remove what no row names, file by file, and have
made anew what is derived and gone.
"""

import time
from datetime import timedelta

from app.core import leases, storage
from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task
from app.datasets import mending
from app.upkeep import queries, room, service
from app.upkeep.models import Housekeeping
from app.upkeep.room import Known

SLICE_SECONDS = 5.0
LOCK_SECONDS = 60.0


@finds_work("ingest")
def waiting() -> list[Work]:
    """The housekeeping, when it is due."""
    with read_only() as session:
        return [("upkeep.keep", row_id) for row_id in leases.due_ids(session, Housekeeping)]


@task("upkeep.keep", queue="ingest", time_limit=1800)
def keep(row_id: int) -> None:
    """Prune for a few seconds where that is asked for; else, and after it, measure."""
    with unit_of_work() as session:
        work = service.claim(session, row_id)
    if work is None:
        return
    storage.forget_torn_parts()
    storage.lay_ballast()
    with read_only() as session:
        known = queries.known(session)
    if work.is_pruning and not _prune(work, known):
        return
    _mend()
    with read_only() as session:
        by_project = queries.bytes_by_project(session)
        largest = queries.largest_versions(session)
        database = queries.database_bytes(session)
    sizes = room.measured()
    if database is not None:
        sizes["database"] = database
    report = {
        "sizes": sizes,
        "waste": room.summed(room.waste(known), time.time()),
        "projects": by_project,
        "largest": largest,
    }
    with unit_of_work() as session:
        service.record_measured(session, work, report)


def _mend() -> None:
    """Files derived of versions that are gone are made anew, also where nobody has missed them."""
    last = 0
    while True:
        with read_only() as session:
            kept = mending.kept_after(session, last)
        if not kept:
            return
        lost = mending.lost_of(kept)
        if lost:
            with unit_of_work() as session:
                mending.make_anew(session, lost)
        last = kept[-1].version_id


def _prune(work: service.Work, known: Known) -> bool:
    """A slice of the pruning; True when nothing is left to do. A killed worker costs nothing: what
    is gone is gone, and the rest is found again.
    """
    until = time.monotonic() + SLICE_SECONDS
    freed = files = 0
    for _, (path, seconds) in room.waste(known):
        gone = storage.remove_if_old(path, seconds=seconds)
        if gone is None:  # a backup is being taken
            _record(work, freed, files, again=timedelta(seconds=LOCK_SECONDS))
            return False
        freed, files = freed + gone, files + (gone > 0)
        if time.monotonic() > until:
            _record(work, freed, files, again=timedelta())
            return False
    _record(work, freed, files, again=None)
    return True


def _record(work: service.Work, freed: int, files: int, *, again: timedelta | None) -> None:
    with unit_of_work() as session:
        service.record_pruned(session, work, freed=freed, files=files, again=again)
