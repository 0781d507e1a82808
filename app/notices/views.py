"""What the page of notices and the piece about a calendar's link show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.core.list_views import ListView
from app.notices import queries
from app.notices.models import CalendarLink, Notice
from app.notices.occasions import Occasion, occasions_of


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice. `left_then` were the days left when it came, `left_now` those of its day today,
    negative once it has passed. `moved_to` is the day that holds instead; `is_current` that nothing
    newer was said and the date still stands.
    """

    id: int
    at: datetime
    title: str
    text: str
    depends: str
    day: date
    left_then: int
    left_now: int
    moved_to: date | None
    is_current: bool
    is_read: bool


@dataclass(frozen=True, slots=True)
class NoticesView:
    """A page of notices; `has_any` is False where the project was never told of a date. `unread`
    counts those that stand and this member has not read.
    """

    project_id: int
    notices: tuple[NoticeRow, ...]
    list: ListView
    has_any: bool
    unread: int
    distances: tuple[int, ...]
    topic: str


@dataclass(frozen=True, slots=True)
class CountView:
    """The side bar's count."""

    unread: int


@dataclass(frozen=True, slots=True)
class LinkView:
    """A member's secret calendar link: when it was made, None where there is none; `link` is a
    fresh one's address, shown this once.
    """

    project_id: int
    made_at: datetime | None
    link: str = ""


@dataclass(frozen=True, slots=True)
class NoticeResource:
    """A notice as the API gives it. `days_left_then` when it came, `days_left_now` of its day;
    `moved_to` is the day that holds instead; `depends_on_it` says what hangs on the date, in words.
    """

    id: int
    title: str
    text: str
    day: date
    days_left_then: int
    days_left_now: int
    moved_to: date | None
    depends_on_it: str
    is_current: bool
    is_read: bool
    at: datetime


def rows(
    session: Session, project_id: int, user_id: int, ids: Sequence[int], today: date
) -> tuple[NoticeRow, ...]:
    """These notices as a member sees them today."""
    if not ids:
        return ()
    dates = {one.key: one for one in occasions_of(session, project_id, since=today)}
    read = queries.ids_read(session, user_id, ids)
    found = queries.notices_by_ids(session, project_id, ids)
    return tuple(_row(one, one.id in read, dates.get(one.date.key), today) for one in found)


def _row(notice: Notice, is_read: bool, now: Occasion | None, today: date) -> NoticeRow:
    return NoticeRow(
        id=notice.id,
        at=notice.at,
        title=notice.title,
        text=notice.text,
        depends=now.depends if now is not None else notice.depends,
        day=notice.day,
        left_then=notice.left_days,
        left_now=(notice.day - today).days,
        moved_to=notice.date.day if notice.date.day != notice.day else None,
        is_current=notice.is_current,
        is_read=is_read,
    )


def resource(row: NoticeRow) -> NoticeResource:
    """The notice as the API gives it."""
    return NoticeResource(
        id=row.id,
        title=row.title,
        text=row.text,
        day=row.day,
        days_left_then=row.left_then,
        days_left_now=row.left_now,
        moved_to=row.moved_to,
        depends_on_it=row.depends,
        is_current=row.is_current,
        is_read=row.is_read,
        at=row.at,
    )


def link_view(project_id: int, link: CalendarLink | None, address: str = "") -> LinkView:
    """The piece about a member's link; `address` is that of a fresh one."""
    return LinkView(project_id, link.created_at if link else None, address)
