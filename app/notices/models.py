"""What a project was told of, the dates behind some of it, who has read what; where else it is
sent, and what became of that; the links of calendars.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.leases import Leased
from app.core.orm import Base, Id
from app.projects.models import Project


class Topic(StrEnum):
    """What a notice is about, as people choose among them."""

    JOB_ENDED = "job_ended"
    NEEDS_DECISION = "needs_decision"
    BUDGET = "budget"
    DATES = "dates"
    DRIFT = "drift"


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
    """Something a project's people are told, once. This row is the notice: the constraint makes it
    one, however many workers saw that it was due. `path` is the page it is about, `person_id` whose
    it is, `facts` what programs are told beside the words.

    Of a date, `days_ahead` is the distance it was due at, `left_days` what was left when it came,
    and `is_current` says that it is the last word about a date that stands.
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("project_id", "topic", "key"),
        Index(None, "project_id", "is_current"),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    topic: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(400))
    title: Mapped[str] = mapped_column(String(400))
    text: Mapped[str] = mapped_column(Text)
    path: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime]

    date_id: Mapped[int | None] = mapped_column(ForeignKey("watched_dates.id", ondelete="CASCADE"))
    changes: Mapped[int | None]
    days_ahead: Mapped[int | None]
    left_days: Mapped[int | None]
    day: Mapped[date | None]
    depends: Mapped[str] = mapped_column(Text, default="")
    is_current: Mapped[bool] = mapped_column(default=True)

    date: Mapped[WatchedDate | None] = relationship(lazy="raise")


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


class About(StrEnum):
    """What a person chooses about: the topics, a job's end apart by whose job it is."""

    OWN_JOB = "own_job"
    JOB = "job"
    NEEDS_DECISION = "needs_decision"
    BUDGET = "budget"
    DATES = "dates"
    DRIFT = "drift"


class NoticeChoice(Base):
    """How a person wants to hear of something; without a row it is as `choices.DEFAULTS` say."""

    __tablename__ = "notice_choices"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    about: Mapped[str] = mapped_column(String(32), primary_key=True)
    in_app: Mapped[bool]
    by_mail: Mapped[bool]


class NoticeMute(Base):
    """A person wants no mail about a project."""

    __tablename__ = "notice_mutes"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class EndpointKind(StrEnum):
    """What an address takes: signed messages for programs, or the text Slack's webhooks take."""

    WEBHOOK = "webhook"
    SLACK = "slack"


class Endpoint(Base):
    """An address outside that a project's notices are sent to, those of its topics.

    Of a webhook, `address` is the URL and `sealed` the secret that signs; `sealed_old` signs beside
    it until `old_until`. A Slack URL is a secret itself: it is sealed, `address` is what is shown.
    `failing_since` is the first failure after the last success; `stopped_words` say why Luthier
    switched it off.
    """

    __tablename__ = "notice_endpoints"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(Text)
    topics: Mapped[list[Any]]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_old: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_until: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    stopped_words: Mapped[str | None] = mapped_column(Text)


class Delivery(Leased, Base):
    """One notice on its way to one endpoint, or to one person by mail; without a notice it is a
    test. `message_id` stays the same at every try, so that a receiver knows a repeat.

    It waits while `due_at` is set; `tries` that had an outcome are rows of their own. After a
    failure nothing else goes the same way until `hold_until`.
    """

    __tablename__ = "notice_deliveries"
    __table_args__ = (Index(None, "endpoint_id", "id"), Index(None, "project_id", "created_at"))

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    notice_id: Mapped[int | None] = mapped_column(
        ForeignKey("notices.id", ondelete="CASCADE"), index=True
    )
    endpoint_id: Mapped[int | None] = mapped_column(
        ForeignKey("notice_endpoints.id", ondelete="CASCADE")
    )
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    message_id: Mapped[str] = mapped_column(String(40), unique=True)
    created_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    hold_until: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]

    notice: Mapped[Notice | None] = relationship(lazy="raise")
    endpoint: Mapped[Endpoint | None] = relationship(lazy="raise")
    user: Mapped[User | None] = relationship(lazy="raise")


class DeliveryTry(Base):
    """What became of one try: the status and the beginning of the answer, or why there was none."""

    __tablename__ = "delivery_tries"

    id: Mapped[Id]
    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("notice_deliveries.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime]
    milliseconds: Mapped[int]
    status: Mapped[int | None]
    answer: Mapped[str] = mapped_column(Text, default="")
    problem: Mapped[str | None] = mapped_column(Text)


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
