"""Decisions about deliveries: which is sent now, and what follows from how that went."""

import random
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock, instance, leases
from app.core.errors import Conflict
from app.core.events import announce
from app.notices.choices.queries import may_be_mailed
from app.notices.models import Delivery, DeliveryTry, Endpoint
from app.notices.sending import mailing, queries, sealing
from app.notices.sending.outcomes import Outcome
from app.notices.telling import Topic, tell
from app.projects.models import Project
from app.settings import settings

# The waits that Standard Webhooks recommends: ten tries over a little more than three days.
PAUSES = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
STOP_AFTER = timedelta(days=3)
LONGEST_HOLD = 300.0
LEASE_SECONDS = 90
KEPT = timedelta(days=30)
SPREAD = 0.1

STOPPED = "The endpoint is switched off."
RESTORED = "Written before this instance was restored: its other life may have sent it."
NO_MAIL = "This instance sends no mail any more."
NOT_WANTED = "No longer a member, or no longer wants mail of this project."
UNKNOWN = "Two workers died while it was handed over: whether it arrived is not known."
# A mailbox cannot always tell a repeat: after two tries that nobody saw the end of, no third.
MOST_UNKNOWN = 2
GONE = "It answered 410: whoever runs it wants nothing more from here."
SILENT = "Nothing has arrived there for three days. The last failure: {problem}"


class Sending(NamedTuple):
    """A claimed delivery, with all that its message is made of."""

    delivery: Delivery
    project: str
    fence: int
    claimed_at: datetime


def claim(session: Session, delivery_id: int) -> Sending | None:
    """Take a delivery; None when it is not due, another worker has it, or it is not to be sent."""
    if instance.held(session) is not None:
        return None
    fence = leases.claim(session, Delivery, delivery_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    found = queries.delivery_whole(session, delivery_id)
    if found is None:
        return None
    refusal = _why_not(session, found)
    if refusal is not None:
        leases.settle(found, due_at=None, error=refusal)
        return None
    project = session.get_one(Project, found.project_id)
    return Sending(found, project.name, fence, clock.now(session))


def _why_not(session: Session, found: Delivery) -> str | None:
    life = session.get(instance.Instance, instance.ONLY)
    if life is not None and found.created_at <= life.restored_at:
        return RESTORED
    endpoint = found.endpoint
    if endpoint is not None and endpoint.stopped_at is not None and found.notice_id is not None:
        return STOPPED
    if found.user_id is None:
        return None
    if not mailing.is_set_up():
        return NO_MAIL
    if found.attempts > MOST_UNKNOWN:
        return UNKNOWN
    return None if may_be_mailed(session, found.project_id, found.user_id) else NOT_WANTED


def record(session: Session, sending: Sending, outcome: Outcome) -> int | None:
    """Keep what became of a try; the next delivery that goes the same way now, if any."""
    way = sending.delivery.endpoint_id
    # Endpoint before delivery, as whoever changes or deletes one does: two orders of locking are a
    # deadlock.
    endpoint = queries.endpoint_held(session, way) if way is not None else None
    found = leases.hold(session, Delivery, sending.delivery.id, sending.fence)
    if found is None:
        return None
    moment = clock.now(session)
    found.tries += 1
    session.add(
        DeliveryTry(
            delivery_id=found.id,
            at=moment,
            milliseconds=outcome.milliseconds,
            status=outcome.status,
            answer=outcome.answer,
            problem=outcome.problem,
        )
    )
    if outcome.problem is None:
        found.delivered_at, found.hold_until = moment, None
        leases.settle(found, due_at=None)
    else:
        _put_off(found, outcome, moment)
    if endpoint is not None:
        _note_health(session, endpoint, found, outcome, moment)
    if way is not None:
        announce(session, f"endpoint:{way}")
    elif found.notice_id is None:  # somebody waits for what becomes of a test
        announce(session, f"project:{found.project_id}")
    return queries.next_of_way(session, way) if found.hold_until is None else None


def _put_off(found: Delivery, outcome: Outcome, moment: datetime) -> None:
    """Try again later, by the schedule or as late as the receiver asks; or give it up."""
    found.hold_until = None
    if outcome.is_final or found.tries > len(PAUSES):
        leases.settle(found, due_at=None, error=outcome.problem)
        return
    spread = random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - spreads load, guards nothing
    pause = settings().wait(PAUSES[found.tries - 1] * spread)
    asked = outcome.retry_after or 0.0
    leases.settle(
        found, due_at=moment + timedelta(seconds=max(pause, asked)), error=outcome.problem
    )
    if not outcome.is_of_one:
        hold = max(min(pause, settings().wait(LONGEST_HOLD)), asked)
        found.hold_until = moment + timedelta(seconds=hold)


def _note_health(
    session: Session, endpoint: Endpoint, found: Delivery, outcome: Outcome, moment: datetime
) -> None:
    if outcome.problem is None:
        endpoint.failing_since = None
        return
    endpoint.failing_since = endpoint.failing_since or moment
    if endpoint.stopped_at is not None or found.due_at is not None:
        return
    patience = timedelta(seconds=settings().wait(STOP_AFTER.total_seconds()))
    if outcome.is_gone:
        stop(session, endpoint, GONE)
    elif moment - endpoint.failing_since >= patience:
        stop(session, endpoint, SILENT.format(problem=outcome.problem))


def stop(session: Session, endpoint: Endpoint, words: str) -> None:
    """Switch an endpoint off, since nothing arrives there; its project is told."""
    endpoint.stopped_at, endpoint.stopped_words = clock.now(session), words
    tell(
        session,
        project_id=endpoint.project_id,
        topic=Topic.NEEDS_DECISION,
        key=f"endpoint:{endpoint.id}:{endpoint.stopped_at.isoformat()}",
        title=f"{endpoint.name} is switched off",
        text=f"{words} Notices no longer go there until an owner switches it on.",
        path=f"/endpoints/{endpoint.id}",
        facts={"endpoint_id": endpoint.id, "endpoint": endpoint.name},
    )
    auth.record(
        session,
        "endpoint.stopped",
        f"endpoint:{endpoint.id}",
        actor_id=None,
        project_id=endpoint.project_id,
        name=endpoint.name,
    )


def send_again(session: Session, found: Delivery, *, actor_id: int) -> None:
    """Send a delivery to an endpoint anew, with the whole schedule before it and the id it had.
    Raises Conflict while it is on its way.
    """
    held = session.get_one(Delivery, found.id, with_for_update=True, populate_existing=True)
    if held.due_at is not None and not leases.is_poisoned(held, clock.now(session)):
        raise Conflict("This is on its way already.")
    held.tries, held.delivered_at, held.hold_until = 0, None, None
    # What was written before a restore is sent after all, since a person asks for it.
    held.created_at = clock.now(session)
    leases.try_again(session, held)
    auth.record(
        session,
        "endpoint.sent_again",
        f"endpoint:{held.endpoint_id}",
        actor_id=actor_id,
        project_id=held.project_id,
        name=session.get_one(Endpoint, held.endpoint_id).name,
    )
    announce(session, f"endpoint:{held.endpoint_id}")


def forget_old(session: Session, project_id: int) -> None:
    """Remove what has been settled for a month."""
    before = clock.now(session) - KEPT
    session.execute(
        delete(Delivery).where(
            Delivery.project_id == project_id,
            Delivery.due_at.is_(None),
            Delivery.created_at < before,
        )
    )


def reseal(session: Session) -> tuple[int, int]:
    """Seal every endpoint's secret with the present secret; how many, and how many none opens."""
    endpoints = queries.every_endpoint_held(session)
    sealed = sum(sealing.reseal(endpoint) for endpoint in endpoints)
    return sealed, len(endpoints) - sealed
