"""A person's decisions about what they hear of; they concern nobody else, so no activity tells."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.notices.choices import queries
from app.notices.choices.defaults import Ways
from app.notices.models import About, NoticeChoice, NoticeMute
from app.projects.models import Membership


def choose(session: Session, *, user_id: int, chosen: Mapping[About, Ways]) -> None:
    """Hear of these things in these ways from now on."""
    for about, ways in chosen.items():
        row = NoticeChoice(user_id=user_id, about=about, in_app=ways.in_app, by_mail=ways.by_mail)
        session.merge(row)


def mute(session: Session, *, project_id: int, user_id: int, is_mute: bool) -> None:
    """Get no more mail about a project, or get it again."""
    # Two clicks of one person come one after the other, and the second finds nothing to do.
    session.get_one(Membership, (project_id, user_id), with_for_update=True)
    if is_mute and not queries.is_mute(session, project_id, user_id):
        session.add(NoticeMute(project_id=project_id, user_id=user_id))
    elif not is_mute and queries.is_mute(session, project_id, user_id):
        session.delete(session.get_one(NoticeMute, (project_id, user_id)))
