"""Every select about what people chose, and whom it makes a notice go to."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from app.auth.models import User
from app.notices.choices.defaults import DEFAULTS, FOR_SPENDERS, Ways, about
from app.notices.models import About, Notice, NoticeChoice, NoticeMute, Topic
from app.projects.models import Membership


def choices_of(session: Session, user_id: int) -> Mapping[About, Ways]:
    """How a person wants to hear of what."""
    rows = session.scalars(select(NoticeChoice).where(NoticeChoice.user_id == user_id))
    chosen = {About(row.about): Ways(row.in_app, row.by_mail) for row in rows}
    return {**DEFAULTS, **chosen}


def asks(session: Session, user_id: int) -> ColumnElement[bool]:
    """True of notices that a person wants to read in the app."""
    wanted = {one for one, ways in choices_of(session, user_id).items() if ways.in_app}
    is_own = and_(Notice.person_id == user_id, Notice.person_id.is_not(None))
    topics = [one.value for one in wanted - {About.OWN_JOB, About.JOB}]
    conditions: list[ColumnElement[bool]] = [Notice.topic.in_(topics)]
    if About.OWN_JOB in wanted:
        conditions.append(and_(Notice.topic == Topic.JOB_ENDED, is_own))
    if About.JOB in wanted:
        is_others = or_(Notice.person_id.is_(None), Notice.person_id != user_id)
        conditions.append(and_(Notice.topic == Topic.JOB_ENDED, is_others))
    return or_(*conditions)


def people_to_mail(session: Session, notice: Notice) -> Sequence[int]:
    """Who is to get a notice by mail: members who may sign in and chose so, of this project too."""
    is_mute = and_(
        NoticeMute.project_id == Membership.project_id, NoticeMute.user_id == Membership.user_id
    )
    members = session.scalars(
        select(Membership)
        .join(Membership.user)
        .outerjoin(NoticeMute, is_mute)
        .where(
            Membership.project_id == notice.project_id,
            User.disabled_at.is_(None),
            NoticeMute.user_id.is_(None),
        )
        .order_by(Membership.user_id)
    ).all()
    rows = session.scalars(
        select(NoticeChoice).where(NoticeChoice.user_id.in_([one.user_id for one in members]))
    )
    chosen = {(row.user_id, row.about): row.by_mail for row in rows}

    def wants(member: Membership) -> bool:
        concerned = about(notice.topic, is_own=member.user_id == notice.person_id)
        is_for = notice.topic not in FOR_SPENDERS or member.may("spend")
        return is_for and chosen.get((member.user_id, concerned), DEFAULTS[concerned].by_mail)

    return [one.user_id for one in members if wants(one)]


def may_be_mailed(session: Session, project_id: int, user_id: int) -> bool:
    """Whether a person still belongs to a project, may sign in, and wants its mail."""
    query = (
        select(Membership.user_id)
        .join(Membership.user)
        .where(
            Membership.project_id == project_id,
            Membership.user_id == user_id,
            User.disabled_at.is_(None),
        )
    )
    return session.scalar(query) is not None and not is_mute(session, project_id, user_id)


def is_mute(session: Session, project_id: int, user_id: int) -> bool:
    """Whether a person wants no mail about a project."""
    return session.get(NoticeMute, (project_id, user_id)) is not None


def muted_projects(session: Session, user_id: int) -> frozenset[int]:
    """The projects a person wants no mail about."""
    query = select(NoticeMute.project_id).where(NoticeMute.user_id == user_id)
    return frozenset(session.scalars(query))
