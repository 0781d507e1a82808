"""Where a notice goes, decided in the unit of work that writes it."""

import secrets as chance

from sqlalchemy.orm import Session

from app.core import clock, instance
from app.notices.choices.queries import people_to_mail
from app.notices.models import Delivery, Endpoint, Notice
from app.notices.sending import queries
from app.notices.sending.mailing import is_set_up


def deliver_to(session: Session, endpoint: Endpoint, notice: Notice | None) -> Delivery:
    """Have a notice, or a test, sent to an endpoint soon."""
    return _deliver(session, endpoint.project_id, notice, endpoint_id=endpoint.id)


def _deliver(session: Session, project_id: int, notice: Notice | None, **way: int) -> Delivery:
    moment = clock.now(session)
    found = Delivery(
        project_id=project_id,
        notice_id=notice.id if notice is not None else None,
        message_id=new_message_id(),
        created_at=moment,
        due_at=moment,
        **way,
    )
    session.add(found)
    return found


def new_message_id() -> str:
    """A name for one message, the same at each of its tries."""
    return f"msg_{chance.token_hex(16)}"


def mail_to(session: Session, user_id: int, project_id: int, notice: Notice | None) -> Delivery:
    """Have a notice, or a test, mailed to a person soon."""
    return _deliver(session, project_id, notice, user_id=user_id)


def send_out(session: Session, notice: Notice, *, actor_id: int | None = None) -> None:
    """Have a notice sent wherever its project and its people want it, but for whoever did what it
    tells; an instance that is held sends nothing.
    """
    if instance.held(session) is not None:
        return
    for endpoint in queries.endpoints_for(session, notice.project_id, notice.topic):
        deliver_to(session, endpoint, notice)
    if not is_set_up():
        return
    for user_id in people_to_mail(session, notice):
        if user_id != actor_id:
            mail_to(session, user_id, notice.project_id, notice)
