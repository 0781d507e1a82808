"""Decisions about the further files of a version: which are made, how far each is, who goes on."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock, leases
from app.core.errors import Conflict
from app.core.events import announce
from app.core.queue import enqueue
from app.datasets.derived import queries
from app.datasets.derived.base import Making
from app.datasets.derived.registry import DERIVERS
from app.datasets.models import DatasetVersion, Derived, DerivedStatus

LEASE_SECONDS = 90
BUSY_SECONDS = 5.0
ROOM_SECONDS = 30.0
WAITS_FOR_ROOM = "The disk of this instance is full. This goes on when there is room."


class Work(NamedTuple):
    """What a worker needs to take a derived file one slice further."""

    row_id: int
    fence: int
    kind: str
    version_id: int
    sha256: str
    making: Making


def begin(session: Session, version: DatasetVersion) -> None:
    """The version is ready: every further file is due, and the clock rings for them."""
    moment = clock.now(session)
    for kind in DERIVERS:
        row = Derived(version_id=version.id, kind=kind, status=DerivedStatus.WAITING, due_at=moment)
        session.add(row)
    session.flush()


def due_ids(session: Session) -> Sequence[int]:
    """The files to go on with, of the kinds that this code knows, in the order of the kinds."""
    of_kinds = (leases.due_ids(session, Derived, Derived.kind == kind) for kind in DERIVERS)
    return [row_id for ids in of_kinds for row_id in ids]


def claim(session: Session, row_id: int) -> Work | None:
    """Take a file for one slice; None when another worker has it, it is made, this code knows
    nothing of its kind, or it gives way: a worker goes on with a version that is not ready, or with
    a kind that comes first, while nobody else does. The clock rings for it again.
    """
    kinds, row = list(DERIVERS), session.get(Derived, row_id)
    if row is None or row.kind not in kinds:
        return None
    if queries.comes_first(session, kinds[: kinds.index(row.kind)]):
        return None
    fence = leases.claim(session, Derived, row_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    session.refresh(row)
    row.status = DerivedStatus.MAKING
    version = session.get_one(DatasetVersion, row.version_id)
    return Work(row_id, fence, row.kind, version.id, version.sha256, Making.from_json(row.progress))


def record_slice(session: Session, work: Work, making: Making) -> None:
    """Keep how far the file is, and ask for the next slice."""
    row = leases.hold(session, Derived, work.row_id, work.fence)
    if row is None:
        return
    if making == work.making:  # another process is at this slice still
        leases.settle(row, due_at=clock.later(session, BUSY_SECONDS), has_progress=False)
        return
    row.progress = making.as_json()
    leases.settle(row, due_at=clock.now(session))
    enqueue(session, "datasets.derive", row.id)
    announce(session, f"version:{work.version_id}")


def wait_for(session: Session, work: Work, words: str) -> None:
    """The disk is full, or what it is made of is gone: the file goes on by itself, without the loss
    of an attempt.
    """
    row = leases.hold(session, Derived, work.row_id, work.fence)
    if row is not None:
        leases.settle(row, due_at=clock.later(session, ROOM_SECONDS), error=words)
        announce(session, f"version:{work.version_id}")


def record_made(session: Session, work: Work) -> None:
    """The file has its name and can be read."""
    row = leases.hold(session, Derived, work.row_id, work.fence)
    if row is None:
        return
    row.status, row.progress = DerivedStatus.READY, None
    leases.settle(row, due_at=None)
    announce(session, f"version:{work.version_id}")


def try_again(session: Session, version: DatasetVersion, *, actor_id: int) -> None:
    """Go on with what gave up after three dead workers. Raises Conflict when nothing did."""
    moment = clock.now(session)
    stuck = [
        row for row in queries.derived_of(session, version.id) if leases.is_poisoned(row, moment)
    ]
    if not stuck:
        raise Conflict("Nothing gave up here.")
    for row in stuck:
        leases.try_again(session, row)
        enqueue(session, "datasets.derive", row.id)
    auth.record(
        session,
        "dataset.retried",
        f"version:{version.id}",
        actor_id=actor_id,
        project_id=version.project_id,
    )
    announce(session, f"version:{version.id}")
