"""Every select about watched dates, notices and the links of calendars."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.auth.models import User
from app.notices.choices import queries as choices
from app.notices.models import CalendarLink, Notice, NoticeRead, WatchedDate
from app.projects.models import Membership


def watched_dates(session: Session, project_id: int) -> Mapping[str, WatchedDate]:
    """The dates a project was seen to have, by key; those that are no longer among them too."""
    rows = session.scalars(select(WatchedDate).where(WatchedDate.project_id == project_id))
    return {one.key: one for one in rows}


def notices_that_may_stand(session: Session, project_id: int) -> Mapping[int, Sequence[Notice]]:
    """By date, the oldest first: the notices about the day as it is now, and any that counts as
    current.
    """
    rows = session.scalars(
        select(Notice)
        .join(Notice.date)
        .where(
            Notice.project_id == project_id,
            or_(Notice.is_current, Notice.changes == WatchedDate.changes),
        )
        .order_by(Notice.id)
    )
    found: dict[int, list[Notice]] = defaultdict(list)
    for one in rows:
        if one.date_id is not None:
            found[one.date_id].append(one)
    return found


def is_told(session: Session, project_id: int, topic: str, key: str) -> bool:
    """Whether a project was told of this already."""
    query = select(Notice.id).where(
        Notice.project_id == project_id, Notice.topic == topic, Notice.key == key
    )
    return session.scalar(query) is not None


def told_of(
    session: Session, project_ids: Collection[int], topic: str, keys: Collection[str]
) -> set[str]:
    """Those of these keys of which the projects were told already."""
    query = select(Notice.key).where(
        Notice.project_id.in_(project_ids), Notice.topic == topic, Notice.key.in_(keys)
    )
    return set(session.scalars(query))


def ids_of_notices(project_id: int) -> Select[int]:
    """The ids of a project's notices: what its list is sorted and filtered from."""
    return select(Notice.id).where(Notice.project_id == project_id)


def has_notices(session: Session, project_id: int) -> bool:
    """True when a project was ever told of anything."""
    return session.scalar(ids_of_notices(project_id).limit(1)) is not None


def notices_by_ids(session: Session, project_id: int, ids: Sequence[int]) -> Sequence[Notice]:
    """Those of the ids that are notices of the project, with their dates, in the order of the
    ids.
    """
    query = select(Notice).where(Notice.project_id == project_id, Notice.id.in_(ids))
    found = {one.id: one for one in session.scalars(query.options(joinedload(Notice.date)))}
    return [found[notice_id] for notice_id in ids if notice_id in found]


def _unread(session: Session, project_id: int, user_id: int, today: date) -> Select[int]:
    asks = choices.asks(session, user_id)
    is_read = and_(NoticeRead.notice_id == Notice.id, NoticeRead.user_id == user_id)
    return (
        select(Notice.id)
        .outerjoin(NoticeRead, is_read)
        .where(
            Notice.project_id == project_id,
            Notice.is_current,
            or_(Notice.day.is_(None), Notice.day >= today),
            asks,
            NoticeRead.user_id.is_(None),
        )
    )


def first_unread(session: Session, project_id: int, user_id: int, today: date) -> Notice | None:
    """Of what stands, lies ahead and a member has not read: the one with the nearest day, else the
    latest.
    """
    unread = _unread(session, project_id, user_id, today)
    query = select(Notice).where(Notice.id.in_(unread))
    return session.scalar(query.order_by(Notice.day.is_(None), Notice.day, -Notice.id).limit(1))


def count_unread(session: Session, project_id: int, user_id: int, today: date) -> int:
    """How many notices that stand a member has not read."""
    unread = _unread(session, project_id, user_id, today).subquery()
    return session.scalars(select(func.count()).select_from(unread)).one()


def ids_new(
    session: Session, project_id: int, user_id: int, today: date, notice_ids: Sequence[int]
) -> frozenset[int]:
    """Which of these notices stand and ask to be read by a member."""
    unread = _unread(session, project_id, user_id, today).where(Notice.id.in_(notice_ids))
    return frozenset(session.scalars(unread))


def ids_unread(session: Session, project_id: int, user_id: int) -> Sequence[int]:
    """Every notice of a project that a member has not read, whether it stands or not."""
    is_read = and_(NoticeRead.notice_id == Notice.id, NoticeRead.user_id == user_id)
    return session.scalars(
        select(Notice.id)
        .outerjoin(NoticeRead, is_read)
        .where(Notice.project_id == project_id, NoticeRead.user_id.is_(None))
    ).all()


def ids_read(session: Session, user_id: int, notice_ids: Sequence[int]) -> frozenset[int]:
    """Which of these notices a person has read."""
    return frozenset(
        session.scalars(
            select(NoticeRead.notice_id).where(
                NoticeRead.user_id == user_id, NoticeRead.notice_id.in_(notice_ids)
            )
        )
    )


def link_of(session: Session, project_id: int, user_id: int) -> CalendarLink | None:
    """A member's link to a project's calendar, if it opens it."""
    return session.scalar(
        _opening().where(CalendarLink.project_id == project_id, CalendarLink.user_id == user_id)
    )


def links_of(session: Session, project_id: int, user_id: int) -> Sequence[CalendarLink]:
    """The link a person made for a project's calendar, whether it still opens it or not."""
    return session.scalars(
        select(CalendarLink).where(
            CalendarLink.project_id == project_id, CalendarLink.user_id == user_id
        )
    ).all()


def link_opened_by(session: Session, fingerprint: str) -> CalendarLink | None:
    """The link of this token with its project, while whoever made it may see the project."""
    return session.scalar(
        _opening()
        .where(CalendarLink.fingerprint == fingerprint)
        .options(joinedload(CalendarLink.project, innerjoin=True))
    )


def _opening() -> Select[CalendarLink]:
    """Links of members who may sign in, made since they became members: whoever was sent away and
    let in again makes a new one.
    """
    member = and_(
        Membership.project_id == CalendarLink.project_id,
        Membership.user_id == CalendarLink.user_id,
        Membership.created_at <= CalendarLink.created_at,
    )
    return (
        select(CalendarLink)
        .join(Membership, member)
        .join(CalendarLink.user)
        .where(User.disabled_at.is_(None))
    )
