"""Decisions about moderation: who is asked, how far it is, what was found."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import service as connections
from app.connections import standing
from app.connections.models import Connection
from app.core import clock, leases
from app.core.errors import Conflict
from app.core.events import announce
from app.core.leases import LeaseLost
from app.core.queue import enqueue
from app.datasets.models import DatasetVersion, Moderation, ModerationStatus, VersionStatus
from app.datasets.moderation import queries
from app.providers.base import AllowanceSpent, ProviderError, ProviderUnavailable

ABILITY = "moderation"
LEASE_SECONDS = 120
KEPT_ROWS = 500
WAIT_SECONDS = 30.0
NOT_READY = "Only rows that can be trained on are moderated."
CANNOT = "{name} has no model for moderation."
IS_ASKING = "These rows are being moderated already."
GONE = "The connection was removed."


class Flagged(NamedTuple):
    """A row, by its line, that falls under these categories of the provider's own."""

    line: int
    categories: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker needs to moderate a version one slice further: `n` rows are behind it."""

    moderation_id: int
    fence: int
    version_id: int
    sha256: str
    n: int
    connection: Connection


class Answered(NamedTuple):
    """What one answer came to: the rows now behind it, those flagged, and what comes next: "over"
    is the slice, "done" are the rows, an error ends it early.
    """

    n: int
    flagged: list[Flagged]
    then: Literal["going on", "over", "done"] | ProviderError


def can_moderate(connection: Connection) -> bool:
    """Whether its provider has a model for this."""
    return ABILITY in connections.capabilities_of(connection).abilities


def begin(
    session: Session, version: DatasetVersion, connection: Connection, *, actor_id: int
) -> Moderation:
    """Ask for moderation, from the first row; what an earlier one said is forgotten. Raises
    Conflict.
    """
    if version.status != VersionStatus.READY:
        raise Conflict(NOT_READY)
    if not can_moderate(connection):
        raise Conflict(CANNOT.format(name=connection.name))
    moment = clock.now(session)
    found = queries.held_moderation(session, version.id)
    if found is not None:
        if found.status == ModerationStatus.ASKING and not leases.is_poisoned(found, moment):
            raise Conflict(IS_ASKING)
        session.delete(found)
        session.flush()
    made = Moderation(
        version_id=version.id,
        connection_id=connection.id,
        status=ModerationStatus.ASKING,
        found={"rows": [], "categories": {}},
        created_by=actor_id,
        created_at=moment,
        due_at=moment,
    )
    session.add(made)
    session.flush()
    auth.record(
        session,
        "dataset.moderated",
        f"version:{version.id}",
        actor_id=actor_id,
        project_id=version.project_id,
        name=version.dataset.name,
        number=version.number,
        connection=connection.name,
    )
    enqueue(session, "datasets.moderate", made.id)
    announce(session, f"version:{version.id}")
    return made


def claim(session: Session, moderation_id: int) -> Work | None:
    """Take a version's moderation for one slice; None when another worker has it, it has ended, or
    its connection is gone or may not be asked just now.
    """
    fence = leases.claim(session, Moderation, moderation_id, seconds=LEASE_SECONDS)
    if fence is None:
        return None
    row = session.get_one(Moderation, moderation_id)
    connection = row.connection_id and session.get(Connection, row.connection_id)
    if not connection:
        _stop(session, row, GONE)
        announce(session, f"version:{row.version_id}")
        return None
    moment = clock.now(session)
    if standing.is_held(connection, moment):
        until = max(connection.not_before or clock.later(session, WAIT_SECONDS), moment)
        leases.settle(row, due_at=until, error=connection.words)
        return None
    version = session.get_one(DatasetVersion, row.version_id)
    return Work(row.id, fence, version.id, version.sha256, row.n, connection)


def record(session: Session, work: Work, made: Answered) -> None:
    """Keep an answer and, while the slice goes on, the lease; then ask for the next. An end or
    a refusal stays. Raises LeaseLost.
    """
    row = leases.hold(session, Moderation, work.moderation_id, work.fence)
    if row is None:
        raise LeaseLost
    row.n, row.flagged = made.n, row.flagged + len(made.flagged)
    row.found = _with(row.found, made.flagged)
    if isinstance(made.then, ProviderUnavailable):
        leases.settle(row, due_at=_later(session, work, made.then), error=made.then.message)
    elif isinstance(made.then, ProviderError):
        standing.record_failure(session, work.connection, made.then)
        _stop(session, row, made.then.message)
    elif made.then == "going on":
        row.attempts = 0
        leases.renew(session, Moderation, row.id, work.fence, seconds=LEASE_SECONDS)
    elif made.then == "done":
        row.status, row.ended_at = ModerationStatus.DONE, clock.now(session)
        leases.settle(row, due_at=None)
    else:
        leases.settle(row, due_at=clock.now(session))
        enqueue(session, "datasets.moderate", row.id)
    announce(session, f"version:{work.version_id}")


def put_off(session: Session, work: Work, words: str) -> None:
    """The rows cannot be read just now: ask again later, which costs no attempt."""
    row = leases.hold(session, Moderation, work.moderation_id, work.fence)
    if row is not None:
        leases.settle(row, due_at=clock.later(session, WAIT_SECONDS), error=words)
        announce(session, f"version:{work.version_id}")


def _later(session: Session, work: Work, error: ProviderUnavailable) -> datetime:
    """When to go on. The whole connection waits, unless only our own pace was the reason."""
    seconds = error.retry_after or WAIT_SECONDS
    if not isinstance(error, AllowanceSpent):
        standing.hold(session, work.connection, error, seconds=seconds)
    return clock.later(session, seconds)


def _stop(session: Session, row: Moderation, words: str) -> None:
    row.status, row.ended_at = ModerationStatus.STOPPED, clock.now(session)
    leases.settle(row, due_at=None, error=words)


def _with(found: dict[str, Any], flagged: list[Flagged]) -> dict[str, Any]:
    rows = [list(row) for row in (*found["rows"], *flagged)][:KEPT_ROWS]
    names = (name for one in flagged for name in one.categories)
    return {"rows": rows, "categories": Counter(found["categories"]) + Counter(names)}
