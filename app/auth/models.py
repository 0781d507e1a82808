"""Users, their sessions and tokens, single-use links, failed sign-ins, and the record of who did
what.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.orm import Base, Id

# What a route, a role and a person's request speak of; every route declares one.
Access = Literal["view", "edit", "spend", "manage", "instance", "self"]


class Theme(StrEnum):
    """How the pages look; `system` follows the person's device."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class User(Base):
    """A person. Without `password_hash` they cannot sign in yet; `disabled_at` shuts them out.

    How they like the pages: without `time_zone` times are shown in the browser's;
    `has_single_keys` lets one key alone be a command; `is_touring` shows the five steps.
    """

    __tablename__ = "users"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    is_instance_owner: Mapped[bool] = mapped_column(default=False)
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    theme: Mapped[str] = mapped_column(String(8), default=Theme.SYSTEM, server_default="system")
    time_zone: Mapped[str | None] = mapped_column(String(64))
    has_single_keys: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_touring: Mapped[bool] = mapped_column(default=True, server_default=true())


class UserSession(Base):
    """A signed-in browser. Only the fingerprint of its cookie is kept."""

    __tablename__ = "user_sessions"

    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str | None] = mapped_column(String(120))
    address: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="raise")


class ApiToken(Base):
    """A script's key. Its rights are those of its user at the moment it is used."""

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    prefix: Mapped[str] = mapped_column(String(16))
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


class LinkPurpose(StrEnum):
    """What a single-use link is for."""

    FIRST_OWNER = "first_owner"
    SET_PASSWORD = "set_password"  # noqa: S105 - a purpose, not a password


class SingleUseLink(Base):
    """A link that works once. Its token is kept as a fingerprint."""

    __tablename__ = "single_use_links"

    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class FailedSignIn(Base):
    """A wrong password, counted per account and per address; in the database, so that no broker is
    needed to slow it.
    """

    __tablename__ = "failed_sign_ins"

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(index=True)


class Activity(Base):
    """Who did what, when, to what. Only ever added to, in the unit of work of the change itself."""

    __tablename__ = "activity"
    __table_args__ = (
        Index(None, "project_id", "id"),
        Index(None, "actor_id", "verb", "at"),  # how often somebody did something lately
    )

    id: Mapped[Id]
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    verb: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)

    actor: Mapped[User | None] = relationship(lazy="raise")
