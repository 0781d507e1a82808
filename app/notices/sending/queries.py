"""Every select about deliveries."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.core import clock
from app.core.leases import is_due
from app.notices.models import Delivery, DeliveryTry, Endpoint


def endpoints_for(session: Session, project_id: int, topic: str) -> Sequence[Endpoint]:
    """Where a project wants notices of this topic sent."""
    query = select(Endpoint).where(Endpoint.project_id == project_id, Endpoint.stopped_at.is_(None))
    found = session.scalars(query.order_by(Endpoint.id))
    return [one for one in found if topic in one.topics]


def endpoint_held(session: Session, endpoint_id: int) -> Endpoint | None:
    """An endpoint, held until the unit of work ends; new deliveries may come meanwhile."""
    query = select(Endpoint).where(Endpoint.id == endpoint_id).with_for_update(key_share=True)
    return session.scalar(query.execution_options(populate_existing=True))


def every_endpoint_held(session: Session) -> Sequence[Endpoint]:
    """Every endpoint of the instance, held until the unit of work ends."""
    query = select(Endpoint).order_by(Endpoint.id).with_for_update(key_share=True)
    return session.scalars(query.execution_options(populate_existing=True)).all()


def next_ways(session: Session) -> Sequence[int]:
    """The oldest due delivery of every way out: each endpoint, and mail. A way where one is under
    way, or that just failed, waits.
    """
    moment = clock.now(session)
    is_held = or_(Delivery.lease_until > moment, Delivery.hold_until > moment)
    held = set(
        session.scalars(
            select(Delivery.endpoint_id).where(Delivery.due_at.is_not(None), is_held).distinct()
        )
    )
    first = (
        select(Delivery.endpoint_id, func.min(Delivery.id))
        .where(is_due(Delivery, moment))
        .group_by(Delivery.endpoint_id)
    )
    return [delivery_id for way, delivery_id in session.execute(first) if way not in held]


def next_of_way(session: Session, endpoint_id: int | None) -> int | None:
    """The oldest due delivery to this endpoint, or by mail where there is none."""
    query = select(func.min(Delivery.id)).where(is_due(Delivery, clock.now(session)))
    return session.scalar(query.where(_goes(endpoint_id)))


def _goes(endpoint_id: int | None) -> ColumnElement[bool]:
    if endpoint_id is None:
        return Delivery.endpoint_id.is_(None)
    return Delivery.endpoint_id == endpoint_id


def delivery_whole(session: Session, delivery_id: int) -> Delivery | None:
    """A delivery with what it says and where it goes."""
    query = select(Delivery).where(Delivery.id == delivery_id)
    whole = (
        joinedload(Delivery.notice),
        joinedload(Delivery.endpoint),
        joinedload(Delivery.user),
    )
    return session.scalar(query.options(*whole).execution_options(populate_existing=True))


def deliveries_to(
    session: Session, endpoint_id: int, *, after: int | None, limit: int
) -> Sequence[Delivery]:
    """What was sent to an endpoint, the latest first, each with its notice."""
    query = select(Delivery).where(Delivery.endpoint_id == endpoint_id)
    if after is not None:
        query = query.where(Delivery.id < after)
    query = query.options(joinedload(Delivery.notice)).order_by(Delivery.id.desc())
    return session.scalars(query.limit(limit)).all()


def tries_of(session: Session, ids: Sequence[int]) -> Sequence[DeliveryTry]:
    """Every try of these deliveries, the latest first."""
    query = select(DeliveryTry).where(DeliveryTry.delivery_id.in_(ids))
    return session.scalars(query.order_by(DeliveryTry.id.desc())).all()
