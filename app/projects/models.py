"""Projects, memberships, and the links that invite people."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import Access, User
from app.core.orm import Base, Id

INVITATION_HOURS = 72


class Role(StrEnum):
    """What a member may do."""

    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"


RIGHTS: dict[Role, frozenset[Access]] = {
    Role.VIEWER: frozenset({"view"}),
    Role.EDITOR: frozenset({"view", "edit", "spend"}),
    Role.OWNER: frozenset({"view", "edit", "spend", "manage"}),
}


class Project(Base):
    """A team's work on one thing: its data, connections, jobs and models."""

    __tablename__ = "projects"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(120))
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]


class Membership(Base):
    """Who belongs to a project, and how."""

    __tablename__ = "memberships"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]

    project: Mapped[Project] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")

    def may(self, access: Access) -> bool:
        """True when the role holds this right."""
        return access in RIGHTS[Role(self.role)]


class Invitation(Base):
    """A single-use link into a project. Its role is fixed when it is made; its token is kept as a
    fingerprint.
    """

    __tablename__ = "invitations"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(String(16))
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    project: Mapped[Project] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")
