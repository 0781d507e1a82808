"""Every select about endpoints."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.notices.models import Delivery, Endpoint


def endpoint_by_id(session: Session, endpoint_id: int) -> Endpoint | None:
    """The endpoint of this id."""
    return session.get(Endpoint, endpoint_id)


def project_id_of_endpoint(session: Session, endpoint_id: int) -> int | None:
    """The project an endpoint belongs to."""
    return session.scalar(select(Endpoint.project_id).where(Endpoint.id == endpoint_id))


def delivery_by_id(session: Session, delivery_id: int) -> Delivery | None:
    """The delivery to an endpoint of this id; mail to people is nobody else's."""
    query = select(Delivery).where(Delivery.id == delivery_id, Delivery.endpoint_id.is_not(None))
    return session.scalar(query.options(joinedload(Delivery.notice), joinedload(Delivery.endpoint)))


def endpoints_of(
    session: Session, project_id: int, *, after: int | None = None, limit: int | None = None
) -> Sequence[Endpoint]:
    """A project's endpoints, the oldest first."""
    query = select(Endpoint).where(Endpoint.project_id == project_id)
    if after is not None:
        query = query.where(Endpoint.id > after)
    return session.scalars(query.order_by(Endpoint.id).limit(limit)).all()


def count_endpoints(session: Session, project_id: int) -> int:
    """How many endpoints a project has."""
    query = select(func.count()).select_from(Endpoint).where(Endpoint.project_id == project_id)
    return session.scalar(query) or 0


def latest_mail(session: Session, project_id: int, user_id: int) -> Delivery | None:
    """The latest mail about a project to a person."""
    query = (
        select(Delivery)
        .where(Delivery.project_id == project_id, Delivery.user_id == user_id)
        .options(joinedload(Delivery.notice))
    )
    return session.scalar(query.order_by(Delivery.id.desc()).limit(1))


def latest_deliveries(session: Session, ids: Sequence[int]) -> dict[int, Delivery]:
    """The latest delivery to each of these endpoints."""
    newest = (
        select(func.max(Delivery.id))
        .where(Delivery.endpoint_id.in_(ids))
        .group_by(Delivery.endpoint_id)
    )
    found = session.scalars(select(Delivery).where(Delivery.id.in_(newest)))
    return {one.endpoint_id: one for one in found if one.endpoint_id is not None}
