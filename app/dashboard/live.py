"""One stream a browser: the names of things that changed, to those who may see them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence

import anyio.to_thread
from fastapi import Request
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.auth.access import current_user, declares
from app.auth.models import User
from app.connections import queries as connections
from app.core.database import read_only
from app.core.errors import NotFound, NotSignedIn, ProductError
from app.core.events import Hub
from app.datasets import queries as datasets
from app.evaluations.duels import queries as duels
from app.evaluations.people import queries as rounds
from app.evaluations.reports import queries as evaluations
from app.jobs import queries as jobs
from app.notices.endpoints import queries as endpoints
from app.projects import queries as projects
from app.rescue import queries as rescues

# One stream speaks for all visible tabs of a browser.
MOST_TOPICS = 120
QUIET_SECONDS = 15.0
RECHECK_SECONDS = 30.0

PROJECT_OF: dict[str, Callable[[Session, int], int | None]] = {
    "project": lambda _session, project_id: project_id,
    "members": lambda _session, project_id: project_id,
    "connection": connections.project_id_of_connection,
    "version": datasets.project_id_of_version,
    "job": jobs.project_id_of_job,
    "rescue": rescues.project_id_of_rescue,
    "duels": duels.project_id_of_duels,
    "round": rounds.project_id_of_round,
    "endpoint": endpoints.project_id_of_endpoint,
    "evaluation": evaluations.project_id_of_evaluation,
    "evaluation_run": evaluations.project_id_of_run,
}


@declares("self")
def visible_topics(request: Request) -> list[str]:
    """Those of the asked-for topics that the person may hear of. Raises NotSignedIn or NotFound."""
    asked = request.query_params.getlist("topic")[:MOST_TOPICS]
    with read_only() as session:
        user = current_user(request, session)
        mine = {one.project_id for one in projects.memberships_of(session, user.id)}
        return [topic for topic in asked if _may_hear(session, user, mine, topic)]


def _may_hear(session: Session, user: User, mine: Collection[int], topic: str) -> bool:
    if topic in {"people", "storage"}:
        return user.is_instance_owner
    if topic.startswith("account:"):
        return topic == f"account:{user.id}"
    return _project_of(session, topic) in mine


def _project_of(session: Session, topic: str) -> int | None:
    kind, _, number = topic.partition(":")
    find = PROJECT_OF.get(kind)
    if find is None or not (number.isascii() and number.isdigit() and len(number) < 16):  # noqa: PLR2004
        raise NotFound
    return find(session, int(number))


def streams_of(request: Request) -> int:
    """How many streams of this person are open in this process: each hears of their rights."""
    hub: Hub = request.app.state.hub
    return hub.listeners(f"rights:{request.state.user.id}")


async def nudges(request: Request, hub: Hub, topics: Sequence[str]) -> AsyncIterator[bytes]:
    """The stream's events: one nudge a topic at once, then each change. Ends when the rights do: at
    once when a change of them is announced, and in half a minute when that was not heard. While the
    database cannot say what they are it ends too, and the browser comes back.
    """
    checked_at = time.monotonic()
    rights = f"rights:{request.state.user.id}"
    async with hub.subscribed([*topics, rights]) as waiting:
        yield b"retry: 1000\n\n"
        for topic in topics:
            yield _nudge(topic)
        while True:
            try:
                topic = await asyncio.wait_for(waiting.get(), QUIET_SECONDS)
            except TimeoutError:
                topic = ""
            if topic == rights or time.monotonic() - checked_at > RECHECK_SECONDS:
                checked_at = time.monotonic()
                try:
                    may_still = await anyio.to_thread.run_sync(_may_still, request, topics)
                except OperationalError:
                    return
                if not may_still:
                    yield b"event: ended\ndata: rights\n\n"
                    return
            yield _nudge(topic) if topic in topics else b": still here\n\n"


def _may_still(request: Request, topics: Sequence[str]) -> bool:
    try:
        return set(topics) <= set(visible_topics(request))
    except (NotSignedIn, ProductError):
        return False


def _nudge(topic: str) -> bytes:
    return f"event: nudge\ndata: {topic}\n\n".encode()
