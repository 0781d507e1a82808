"""The dates a project was told of, the notices about them, who has read which, and the links of
calendars.
"""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.leases import Leased
from app.core.orm import Base, Id
from app.projects.models import Project


class DateWatch(Leased, Base):
    """A project's dates are looked at when this is due. One row a project, made with it."""

    __tablename__ = "date_watches"
    IS_POISONABLE = False

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), unique=True
    )


class WatchedDate(Base):
    """A date as it was seen last; `key` says of what, and stays when the date moves.

    `changes` counts how often it moved: what was told of the day before does not hold for the new
    one, and calendars take a higher number for a newer word.
    """

    __tablename__ = "watched_dates"
    __table_args__ = (UniqueConstraint("project_id", "key"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(400))
    day: Mapped[date]
    changes: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]


class Notice(Base):
    """Something stops within so many days. This row is the notice: the constraint makes it one,
    however many workers saw that it was due.

    `days_ahead` is the distance it was due at, `left_days` what was left when it came. `is_current`
    while it is the last word about a date that stands. It is shown in the app; another way to tell
    people (mail, chat) is a table of its own that leases what it has not sent of these.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("date_id", "changes", "days_ahead"),
        Index(None, "project_id", "is_current"),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    date_id: Mapped[int] = mapped_column(ForeignKey("watched_dates.id", ondelete="CASCADE"))
    changes: Mapped[int]
    days_ahead: Mapped[int]
    left_days: Mapped[int]
    day: Mapped[date]
    title: Mapped[str] = mapped_column(String(400))
    text: Mapped[str] = mapped_column(Text)
    depends: Mapped[str] = mapped_column(Text)
    is_current: Mapped[bool] = mapped_column(default=True)
    at: Mapped[datetime]

    date: Mapped[WatchedDate] = relationship(lazy="raise")


class NoticeRead(Base):
    """A member has read a notice."""

    __tablename__ = "notice_reads"

    notice_id: Mapped[int] = mapped_column(
        ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    at: Mapped[datetime]


class CalendarLink(Base):
    """A member's secret address of a project's calendar, kept as a fingerprint. It shows what the
    member may see, for as long as they may.
    """

    __tablename__ = "calendar_links"
    __table_args__ = (UniqueConstraint("user_id", "project_id"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]

    project: Mapped[Project] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")
