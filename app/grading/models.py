"""A project's graders and their versions; what a grader is stands in `app/graders`."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.orm import Base, Id

NAME_LENGTH = 120


class LibraryGrader(Base):
    """What good is, by a name that is the project's only one. `type` and `number` are those of the
    newest version.
    """

    __tablename__ = "graders"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    type: Mapped[str] = mapped_column(String(32))
    number: Mapped[int]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    creator: Mapped[User | None] = relationship(lazy="raise")


class GraderVersion(Base):
    """A grader as it stood once; it never changes. `settings` are its JSON, `connection_id` is
    where its judges are asked, `sha256` is of all it means, with what is left out said: two
    versions of one hash grade alike.
    """

    __tablename__ = "grader_versions"
    __table_args__ = (UniqueConstraint("grader_id", "number"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    grader_id: Mapped[int] = mapped_column(ForeignKey("graders.id", ondelete="CASCADE"))
    number: Mapped[int]
    type: Mapped[str] = mapped_column(String(32))
    settings: Mapped[dict[str, Any]]
    connection_id: Mapped[int | None] = mapped_column(
        ForeignKey("connections.id", ondelete="SET NULL"), index=True
    )
    sha256: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]

    grader: Mapped[LibraryGrader] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")
