"""Orders in doubt, and runs that no job has, as JSON."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter

from app.auth.access import CurrentUser
from app.connections.access import CurrentConnection
from app.core.api import Listing
from app.core.database import DbSession
from app.jobs import doubts, queries_orders
from app.jobs.access import CurrentJob, SpendableJob, SpendableOrphan
from app.jobs.models import Orphan
from app.jobs.resources import JobResource, job_resource
from app.jobs.views_doubt import LookLine, order_line

router = APIRouter(prefix="/api/v1", tags=["jobs"])

MOST_LOOKS = 100


@dataclass(frozen=True, slots=True)
class OrderResource:
    """An order: when it was sent and what came back. `outcome` is started, found, refused,
    not_sent, spare, did_not_start; given_up is one that nobody proved before another went out;
    unknown or null is not proved yet.
    """

    number: int
    sent_at: datetime
    outcome: str | None
    http_status: int | None
    message: str


@dataclass(frozen=True, slots=True)
class OrdersResource:
    """A job's orders, the first first, and what the looks for its run found, the latest first."""

    orders: list[OrderResource]
    looks: list[LookLine]


@dataclass(frozen=True, slots=True)
class OrphanResource:
    """A run with this instance's tag that no job has. `job_id` is the job it was ordered for, where
    that is known; `error` says why it could not be cancelled. One that is not `is_tagged` carries
    no tag and trains on the file of that job, whose order is in doubt: it may be its run.
    """

    id: int
    project_id: int
    connection_id: int
    run_id: str
    job_id: int | None
    base_model: str
    provider_status: str
    ordered_at: datetime | None
    found_at: datetime
    is_tagged: bool
    cancel_asked_at: datetime | None
    error: str | None
    settled_at: datetime | None
    outcome: str | None


@router.get("/jobs/{job_id}/orders", name="api.jobs.orders")
def orders(session: DbSession, job: CurrentJob) -> OrdersResource:
    """What is known of a job's orders: when each was sent, what came back, and every look for its
    run.
    """
    looks = queries_orders.looks_of(session, job.id, limit=MOST_LOOKS)
    return OrdersResource(
        [
            OrderResource(
                one.number, one.sent_at, one.outcome, one.http_status, order_line(one).came_back
            )
            for one in queries_orders.attempts_of(session, job.id)
        ],
        [LookLine(one.at, one.times, one.words) for one in looks],
    )


@router.post("/jobs/{job_id}/look-again", name="api.jobs.look_again")
def look_again(session: DbSession, user: CurrentUser, job: SpendableJob) -> JobResource:
    """Look for the run of a job in doubt at once, and for ten minutes more. Nothing is sent. 409
    when the job is not in doubt.
    """
    doubts.look_again(session, job, user=user)
    return job_resource(job)


@router.post("/jobs/{job_id}/start-again", name="api.jobs.start_again")
def start_again(session: DbSession, user: CurrentUser, job: SpendableJob) -> JobResource:
    """Send another order for a job in doubt, once a last look shows no run. If the first one runs
    after all, both are billed until it is found; the job goes on with the older, and the other is
    cancelled. 409 when the job is not in doubt.
    """
    doubts.start_again(session, job, user=user)
    return job_resource(job)


@router.post("/jobs/{job_id}/did-not-start", name="api.jobs.did_not_start")
def did_not_start(session: DbSession, user: CurrentUser, job: SpendableJob) -> JobResource:
    """End a job in doubt, because there is no run. Should one show up, it is cancelled there. 409
    when the job is not in doubt.
    """
    doubts.did_not_start(session, job, user=user)
    return job_resource(job)


@router.get("/connections/{connection_id}/orphans", name="api.orphans.index")
def index(session: DbSession, connection: CurrentConnection) -> Listing[OrphanResource]:
    """The runs with this instance's tag that no job has and that wait for a person."""
    found = queries_orders.open_orphans(session, connection_id=connection.id)
    return Listing(data=[orphan_resource(one) for one in found], next=None)


@router.post("/orphans/{orphan_id}/adopt", name="api.orphans.adopt")
def adopt(session: DbSession, user: CurrentUser, orphan: SpendableOrphan) -> JobResource:
    """Make the run its job's own, although that had ended: it is followed to its end. 409 when the
    run is settled, or its job is not known or has another run.
    """
    return job_resource(doubts.adopt(session, orphan, user=user))


@router.post("/orphans/{orphan_id}/cancel", name="api.orphans.cancel")
def cancel(session: DbSession, user: CurrentUser, orphan: SpendableOrphan) -> OrphanResource:
    """Have the run cancelled at its provider; one that has ended is left alone. 409 when it is
    settled.
    """
    doubts.cancel_there(session, orphan, user=user)
    return orphan_resource(orphan)


def orphan_resource(orphan: Orphan) -> OrphanResource:
    """The run as the API gives it."""
    return OrphanResource(
        id=orphan.id,
        project_id=orphan.project_id,
        connection_id=orphan.connection_id,
        run_id=orphan.run_id,
        job_id=orphan.job_id,
        base_model=orphan.base_model,
        provider_status=orphan.provider_status,
        ordered_at=orphan.ordered_at,
        is_tagged=orphan.is_tagged,
        found_at=orphan.found_at,
        cancel_asked_at=orphan.cancel_asked_at,
        error=orphan.words,
        settled_at=orphan.settled_at,
        outcome=orphan.outcome,
    )
