"""Telling a project's people of something, once: what every domain above calls."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import clock, instance
from app.core.events import announce
from app.notices import queries
from app.notices.models import Notice, NoticeRead, Topic
from app.notices.sending.addressing import send_out

TITLE_LENGTH = 400

__all__ = ["Topic", "tell"]


def tell(
    session: Session,
    *,
    project_id: int,
    topic: Topic,
    key: str,
    title: str,
    text: str,
    path: str,
    person_id: int | None = None,
    actor_id: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Tell a project's people, in the caller's unit of work; once for each topic and key.

    `path` is the page it is about. `person_id` is whose it is, such as who asked for the job;
    `actor_id` who did it, and need not be told. `facts` are ids and names for programs. A restored
    instance that nobody has looked at yet tells nothing: its other life may.
    """
    if instance.held(session) is not None:
        return
    notice = Notice(
        project_id=project_id,
        topic=topic,
        key=key,
        title=" ".join(title.split())[:TITLE_LENGTH],
        text=text,
        path=path,
        person_id=person_id,
        facts=dict(facts or {}),
        at=clock.now(session),
    )
    if give(session, notice, actor_id=actor_id) and actor_id is not None:
        session.add(NoticeRead(notice_id=notice.id, user_id=actor_id, at=notice.at))


def give(session: Session, notice: Notice, *, actor_id: int | None = None) -> bool:
    """Write a notice down and have it sent. False when it was told before."""
    if queries.is_told(session, notice.project_id, notice.topic, notice.key):
        return False
    try:
        with session.begin_nested():
            session.add(notice)
    except IntegrityError:
        # Another worker saw the same a moment before; the constraint keeps its word.
        if not queries.is_told(session, notice.project_id, notice.topic, notice.key):
            raise
        return False
    send_out(session, notice, actor_id=actor_id)
    announce(session, f"project:{notice.project_id}")
    return True
