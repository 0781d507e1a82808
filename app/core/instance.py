"""The instance itself: its public name, and whether it may start what costs money."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import secrets
from app.core.orm import Base, Id

ONLY = 1


class Instance(Base):
    """What happened to this instance. There is no row before it was restored from a backup.

    `tag` replaces the name that follows from the secret: another instance with the same data may
    still be alive. `allowed_at` is when a person said that jobs may be started here.
    """

    __tablename__ = "instance"

    id: Mapped[Id]
    tag: Mapped[str] = mapped_column(String(16))
    backed_up_at: Mapped[datetime]
    restored_at: Mapped[datetime]
    allowed_at: Mapped[datetime | None]


def tag_of(session: Session) -> str:
    """The name that what we start carries at providers, 16 hex digits."""
    row = session.get(Instance, ONLY)
    return row.tag if row is not None else secrets.instance_id()


def held(session: Session) -> Instance | None:
    """The restore that nobody has looked at yet: until a person has, no job is started. None where
    all goes its way.
    """
    row = session.get(Instance, ONLY)
    return row if row is not None and row.allowed_at is None else None
