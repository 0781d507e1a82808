"""What the page of notices and the piece about a calendar's link show."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.core.list_views import ListView
from app.notices import queries
from app.notices.listing import TOPICS
from app.notices.models import CalendarLink, Notice, Topic
from app.notices.occasions import Occasion, occasions_of
from app.settings import settings


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One notice. Of a date, `left_then` were the days left when it came, `left_now` those of its
    day today, negative once it has passed; `moved_to` is the day that holds instead; `is_current`
    that nothing newer was said and the date still stands. `is_new` asks this member to read it.
    """

    id: int
    at: datetime
    topic: str
    about: str
    title: str
    text: str
    path: str
    depends: str
    day: date | None
    left_then: int | None
    left_now: int | None
    moved_to: date | None
    is_current: bool
    is_read: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class NoticesView:
    """A page of notices; `has_any` is False where the project was never told of anything. `unread`
    counts those that stand and this member has not read.
    """

    project_id: int
    notices: tuple[NoticeRow, ...]
    list: ListView
    has_any: bool
    unread: int
    can_manage: bool
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
    """A notice as the API gives it, with the address of the page it is about. Of a date:
    `days_left_then` when it came, `days_left_now` of its day; `moved_to` is the day that holds
    instead; `depends_on_it` says what hangs on the date, in words.
    """

    id: int
    topic: str
    title: str
    text: str
    url: str
    day: date | None
    days_left_then: int | None
    days_left_now: int | None
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
    new = queries.ids_new(session, project_id, user_id, today, ids)
    found = queries.notices_by_ids(session, project_id, ids)
    return tuple(_row(one, read, new, dates, today) for one in found)


def _row(
    notice: Notice,
    read: Collection[int],
    new: Collection[int],
    dates: Mapping[str, Occasion],
    today: date,
) -> NoticeRow:
    seen = notice.date
    now = dates.get(seen.key) if seen is not None else None
    return NoticeRow(
        id=notice.id,
        at=notice.at,
        topic=notice.topic,
        about=TOPICS[Topic(notice.topic)],
        title=notice.title,
        text=notice.text,
        path=notice.path,
        depends=now.depends if now is not None else notice.depends,
        day=notice.day,
        left_then=notice.left_days,
        left_now=(notice.day - today).days if notice.day else None,
        moved_to=seen.day if seen is not None and seen.day != notice.day else None,
        is_current=notice.is_current,
        is_read=notice.id in read,
        is_new=notice.id in new,
    )


def resource(row: NoticeRow) -> NoticeResource:
    """The notice as the API gives it."""
    return NoticeResource(
        id=row.id,
        topic=row.topic,
        title=row.title,
        text=row.text,
        url=settings().base_url + row.path,
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
