"""Decisions about the instance: what a restore means for work that was under way, and who ends the
wait.
"""

import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock, instance
from app.core.errors import Conflict
from app.core.events import announce
from app.core.instance import ONLY, Instance
from app.datasets.models import VersionStatus
from app.jobs import queries as jobs
from app.jobs.models import StartAttempt
from app.upkeep import queries

TAG_BYTES = 8
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
    for table in queries.leased_tables():
        session.execute(table.update().values(lease_until=None, attempts=0))
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
