"""Every select about the moderation of versions."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets.models import Moderation


def moderation_of(session: Session, version_id: int) -> Moderation | None:
    """What was last asked about a version; the caller has checked the fence."""
    return session.scalar(select(Moderation).where(Moderation.version_id == version_id))


def held_moderation(session: Session, version_id: int) -> Moderation | None:
    """The same, and nobody changes it until the unit of work ends."""
    query = select(Moderation).where(Moderation.version_id == version_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))
