"""Secret links to a project's calendar: one for each member who asks for one, shown once."""

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock, secrets
from app.notices import queries
from app.notices.models import CalendarLink
from app.projects.models import Membership


def make_link(session: Session, *, project_id: int, user_id: int) -> str:
    """The token of a fresh link to a project's calendar for one of its members; the one they had
    before stops working.
    """
    session.get_one(Membership, (project_id, user_id), with_for_update=True)
    token = secrets.new_token()
    _forget(session, project_id, user_id)
    session.add(
        CalendarLink(
            project_id=project_id,
            user_id=user_id,
            fingerprint=secrets.fingerprint(token),
            created_at=clock.now(session),
        )
    )
    _record(session, "calendar.linked", project_id, user_id)
    return token


def revoke_link(session: Session, *, project_id: int, user_id: int) -> None:
    """Make a member's link worthless at once."""
    if _forget(session, project_id, user_id):
        _record(session, "calendar.unlinked", project_id, user_id)


def _forget(session: Session, project_id: int, user_id: int) -> bool:
    found = queries.links_of(session, project_id, user_id)
    for link in found:
        session.delete(link)
    session.flush()
    return bool(found)


def _record(session: Session, verb: str, project_id: int, user_id: int) -> None:
    auth.record(
        session,
        verb,
        f"calendar:{user_id}",
        actor_id=user_id,
        project_id=project_id,
        name="a calendar program",
    )
