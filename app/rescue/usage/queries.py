"""Every select about who calls which model."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.rescue.models import Kind, RescuedObject, RescuePart


def models_and_usage(session: Session, project_id: int) -> Sequence[RescuedObject]:
    """The tuned models and the stretches of usage that rescues of a project found."""
    query = select(RescuedObject).where(
        RescuedObject.project_id == project_id,
        RescuedObject.kind.in_((Kind.MODEL, Kind.USAGE)),
    )
    return session.scalars(query.order_by(RescuedObject.id)).all()


def newest_parts(session: Session, project_id: int) -> dict[int, RescuePart]:
    """What the newest rescue does over each connection of a project, by connection."""
    query = select(RescuePart).where(RescuePart.project_id == project_id)
    parts = session.scalars(
        query.order_by(RescuePart.id).options(joinedload(RescuePart.connection))
    )
    return {part.connection_id: part for part in parts}
