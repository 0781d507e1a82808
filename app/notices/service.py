"""Decisions about notices: which is due, which stands, and who has read it."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.core import clock, leases
from app.core.errors import NotFound
from app.core.events import announce
from app.notices import queries
from app.notices.models import DateWatch, Notice, NoticeRead, Topic, WatchedDate
from app.notices.occasions import Occasion
from app.notices.telling import give
from app.projects.models import Membership, Project
from app.settings import settings

# How many days before a date its notices come.
DISTANCES = (90, 60, 30, 14, 7, 1)
LEASE_SECONDS = 60
LOOK_EVERY = 3600.0


class Look(NamedTuple):
    """A claimed look at a project's dates; `due_at` is when it was due."""

    watch_id: int
    project_id: int
    fence: int
    due_at: datetime | None


def watch(session: Session, project: Project, _user: User | None = None) -> None:
    """Have a new project's dates looked at from now on."""
    session.add(DateWatch(project_id=project.id, due_at=clock.now(session)))


def look_soon(session: Session, project_id: int | None = None) -> None:
    """A date may have changed: look now, at this project's dates or at everybody's."""
    moment = clock.now(session)
    concerned = update(DateWatch).where(DateWatch.due_at > moment)
    if project_id is not None:
        concerned = concerned.where(DateWatch.project_id == project_id)
    session.execute(concerned.values(due_at=moment))


def claim(session: Session, watch_id: int) -> Look | None:
    """Take the look at a project's dates; None when it is not due or another worker has it."""
    fence = leases.claim(session, DateWatch, watch_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    row = session.get_one(DateWatch, watch_id, populate_existing=True)
    return Look(row.id, row.project_id, fence, row.due_at)


def record_look(session: Session, look: Look, dates: Sequence[Occasion]) -> None:
    """Keep what a look found: dates that moved, notices that are due, which of them stand."""
    row = leases.hold(session, DateWatch, look.watch_id, look.fence)
    if row is None:
        return
    moment = clock.now(session)
    known = queries.watched_dates(session, look.project_id)
    told = queries.notices_that_may_stand(session, look.project_id)
    standing: set[int] = set()
    for one in dates:
        seen = _seen(session, look.project_id, known.get(one.key), one, moment)
        about = [notice for notice in told.get(seen.id, ()) if notice.changes == seen.changes]
        distance = distance_due((one.day - moment.date()).days)
        if distance is not None and all(notice.days_ahead != distance for notice in about):
            about.append(_write(session, seen, one, distance, moment))
        standing |= {notice.id for notice in about[-1:]}
    earlier = [notice for several in told.values() for notice in several]
    turned = [notice for notice in earlier if notice.is_current != (notice.id in standing)]
    for notice in turned:
        notice.is_current = not notice.is_current
    if turned or standing - {notice.id for notice in earlier}:
        announce(session, f"project:{look.project_id}")
    # Somebody may have asked for another look meanwhile.
    again = _next_look(moment) if row.due_at == look.due_at else row.due_at
    leases.settle(row, due_at=again)


def distance_due(left_days: int) -> int | None:
    """Of the notices about a day so far away, the one that is due: the latest. None while it is too
    early, and once the day has passed.

    Whoever was away, or hears of a date late, is told once how near it is and not of every distance
    that has gone by.
    """
    if left_days < 0:
        return None
    return min((one for one in DISTANCES if one >= left_days), default=None)


def _seen(
    session: Session,
    project_id: int,
    known: WatchedDate | None,
    stop: Occasion,
    moment: datetime,
) -> WatchedDate:
    """The date as it is now, and whether it moved since it was seen last."""
    if known is None:
        known = WatchedDate(project_id=project_id, key=stop.key, day=stop.day, changed_at=moment)
        session.add(known)
        session.flush()
    elif known.day != stop.day:
        known.day, known.changes, known.changed_at = stop.day, known.changes + 1, moment
    return known


def _write(
    session: Session, seen: WatchedDate, stop: Occasion, distance: int, moment: datetime
) -> Notice:
    left_days = (stop.day - moment.date()).days
    notice = Notice(
        project_id=seen.project_id,
        topic=Topic.DATES,
        key=f"{seen.id}:{seen.changes}:{distance}",
        path=f"/projects/{seen.project_id}/calendar",
        facts={"day": stop.day.isoformat(), "days_left": left_days, "depends_on_it": stop.depends},
        date_id=seen.id,
        changes=seen.changes,
        days_ahead=distance,
        left_days=left_days,
        day=stop.day,
        title=stop.title,
        text=stop.text,
        depends=stop.depends,
        at=moment,
    )
    give(session, notice)
    auth.record(
        session,
        "notice.given",
        f"notice:{notice.id}",
        actor_id=None,
        project_id=seen.project_id,
        name=stop.title,
    )
    return notice


def _next_look(moment: datetime) -> datetime:
    """In an hour, or at midnight where that comes first: then every date is a day nearer."""
    tomorrow = datetime.combine(moment.date() + timedelta(days=1), time(), UTC)
    return min(moment + timedelta(seconds=settings().wait(LOOK_EVERY)), tomorrow)


def mark_read(session: Session, *, project_id: int, notice_id: int, user_id: int) -> None:
    """A member has read a notice. Raises NotFound when it is another project's."""
    _one_click_at_a_time(session, project_id, user_id)
    if not queries.notices_by_ids(session, project_id, [notice_id]):
        raise NotFound
    if not queries.ids_read(session, user_id, [notice_id]):
        session.add(NoticeRead(notice_id=notice_id, user_id=user_id, at=clock.now(session)))


def mark_all_read(session: Session, *, project_id: int, user_id: int) -> None:
    """A member has read every notice of a project."""
    _one_click_at_a_time(session, project_id, user_id)
    moment = clock.now(session)
    session.add_all(
        NoticeRead(notice_id=notice_id, user_id=user_id, at=moment)
        for notice_id in queries.ids_unread(session, project_id, user_id)
    )


def _one_click_at_a_time(session: Session, project_id: int, user_id: int) -> None:
    """Two clicks of one person come one after the other, and the second finds nothing to do."""
    session.get_one(Membership, (project_id, user_id), with_for_update=True)
