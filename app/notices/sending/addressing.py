"""Where a notice goes, decided in the unit of work that writes it."""

import secrets as chance

from sqlalchemy.orm import Session

from app.core import clock, instance
from app.notices.models import Delivery, Endpoint, Notice
from app.notices.sending import queries


def deliver_to(session: Session, endpoint: Endpoint, notice: Notice | None) -> Delivery:
    """Have a notice, or a test, sent to an endpoint soon."""
    moment = clock.now(session)
    found = Delivery(
        project_id=endpoint.project_id,
        notice_id=notice.id if notice is not None else None,
        endpoint_id=endpoint.id,
        message_id=new_message_id(),
        created_at=moment,
        due_at=moment,
    )
    session.add(found)
    return found


def new_message_id() -> str:
    """A name for one message, the same at each of its tries."""
    return f"msg_{chance.token_hex(16)}"


def send_out(session: Session, notice: Notice) -> None:
    """Have a notice sent wherever its project wants it; an instance that is held sends nothing."""
    if instance.held(session) is not None:
        return
    for endpoint in queries.endpoints_for(session, notice.project_id, notice.topic):
        deliver_to(session, endpoint, notice)
