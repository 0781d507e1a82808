"""Decisions about the instance: what a restore means for work under way, and who ends the wait;
when it is measured and pruned.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections.hooks import forget_old as forget_old_deliveries
from app.core import clock, instance, leases
from app.core.errors import Conflict
from app.core.events import announce
from app.core.instance import ONLY, Instance
from app.core.queue import enqueue
from app.datasets.models import VersionStatus
from app.jobs import queries as jobs
from app.jobs.models import Orphan, StartAttempt
from app.upkeep import queries
from app.upkeep.models import Housekeeping

TAG_BYTES = 8
TOPIC = "storage"
LEASE_SECONDS = 300
EVERY = timedelta(days=1)
PERHAPS_SENT = (
    "Luthier was restored from a backup taken before this order was answered: it may have been "
    "sent since."
)


def mark_restored(session: Session, *, backed_up_at: datetime) -> None:
    """The rows come from a backup: nobody works on them, nothing is started until a person says so,
    and no order is sent that the other life of this instance may have sent.
    """
    moment = clock.now(session)
    known = session.get(Instance, ONLY)
    if known is not None:
        session.delete(known)
        session.flush()
    session.add(
        Instance(
            id=ONLY,
            tag=secrets.token_hex(TAG_BYTES),
            backed_up_at=backed_up_at,
            restored_at=moment,
        )
    )
    for model in queries.leased_models():
        session.execute(update(model).values(lease_until=None, attempts=0))
    # What was asked for in another life is not carried out by this one unasked.
    session.execute(update(Orphan).values(cancel_asked_at=None))
    for version in queries.unjudged_versions(session):
        version.status, version.progress, version.due_at = VersionStatus.RECEIVED, None, moment
    for job in queries.waiting_jobs(session):
        job.due_at = moment
        if jobs.open_attempt(session, job.id) is None:
            session.add(
                StartAttempt(
                    job_id=job.id,
                    number=jobs.count_attempts(session, job.id) + 1,
                    fence=job.fence,
                    sent_at=backed_up_at,
                    outcome="unknown",
                    words=PERHAPS_SENT,
                )
            )
        job.last_error = PERHAPS_SENT
    auth.record(
        session,
        "instance.restored",
        "instance:1",
        actor_id=None,
        backed_up_at=backed_up_at.isoformat(),
    )


def allow_starts(session: Session, *, actor_id: int) -> None:
    """A person has looked: jobs may be started here. Raises Conflict when nothing holds them."""
    row = instance.held(session)
    if row is None:
        raise Conflict("Nothing holds jobs back here.")
    row.allowed_at = clock.now(session)
    auth.record(session, "instance.starts_allowed", "instance:1", actor_id=actor_id)
    waiting = queries.waiting_jobs(session)
    announce(session, *(f"job:{job.id}" for job in waiting))
    announce(session, *{f"project:{job.project_id}" for job in waiting})


class Work(NamedTuple):
    """The claimed housekeeping; `is_pruning`: something is to be removed before it is measured."""

    row_id: int
    fence: int
    is_pruning: bool


def begin(session: Session) -> Housekeeping:
    """The one row, made at the first start; its first measuring is due at once."""
    row = session.get(Housekeeping, ONLY)
    if row is None:
        try:
            with session.begin_nested():
                session.add(Housekeeping(id=ONLY, due_at=clock.now(session)))
        except IntegrityError:  # another web process starts at the same moment
            pass
        row = session.get_one(Housekeeping, ONLY)
    return row


def ask(session: Session, *, is_pruning: bool, actor_id: int) -> None:
    """Measure now, and remove what nobody needs before that where it is wished."""
    row = begin(session)
    row.due_at = clock.now(session)
    if is_pruning and not row.is_pruning:
        row.is_pruning, row.progress, row.freed = True, {"files": 0}, 0
        auth.record(session, "storage.pruned", "instance:1", actor_id=actor_id)
    enqueue(session, "upkeep.keep", row.id)
    announce(session, TOPIC)


def claim(session: Session, row_id: int) -> Work | None:
    """Take the housekeeping; None when it is not due or another worker has it."""
    fence = leases.claim(session, Housekeeping, row_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    row = session.get_one(Housekeeping, row_id, populate_existing=True)
    return Work(row_id, fence, row.is_pruning)


def record_pruned(
    session: Session, work: Work, *, freed: int, files: int, again: timedelta | None
) -> None:
    """Keep what a slice removed; the next is due after `again`, None when nothing is left."""
    row = leases.hold(session, Housekeeping, work.row_id, work.fence)
    if row is None:
        return
    done = (row.progress or {}).get("files", 0)
    row.progress = {"files": done + files, "waits": bool(again)}
    row.freed = (row.freed or 0) + freed
    if again is None:
        row.is_pruning, row.pruned_at = False, clock.now(session)
    else:
        leases.settle(row, due_at=clock.later(session, again.total_seconds()))
    announce(session, TOPIC)


def record_measured(session: Session, work: Work, report: dict[str, Any]) -> None:
    """Keep what takes space; it is measured again tomorrow. Torn uploads and old deliveries of
    webhooks go every day by themselves, the rest when a person says so.
    """
    row = leases.hold(session, Housekeeping, work.row_id, work.fence)
    if row is None:
        return
    forget_old_deliveries(session)
    row.report, row.measured_at = report, clock.now(session)
    leases.settle(row, due_at=clock.now(session) + EVERY)
    announce(session, TOPIC)
