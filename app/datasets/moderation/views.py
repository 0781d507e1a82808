"""What pages and the API show of a version's moderation."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.connections import queries as connections
from app.connections.models import Connection
from app.core import clock
from app.core.leases import is_poisoned
from app.core.views import FormState
from app.datasets.models import DatasetVersion, Moderation
from app.datasets.moderation import queries
from app.datasets.moderation.service import can_moderate

NOT_ASKED, STUCK = "not_asked", "stuck"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class FlaggedRow:
    """A row on this 1-based line that falls under these categories; `score` from 0 to 1 is the
    highest of them.
    """

    line: int
    categories: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class ModerationResource:
    """How far the moderation of a version is and what it found. `status` is not_asked, asking,
    done, stopped (`error` says why) or stuck, after three dead workers. Of `flagged` rows the first
    500 are listed.
    """

    status: str
    connection_id: int | None
    rows: int
    rows_done: int
    flagged: int
    categories: dict[str, int]
    found: tuple[FlaggedRow, ...]
    error: str | None
    created_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ModerationView:
    """The section of a version's report. `choices` are the connections that can be asked."""

    version_id: int
    it: ModerationResource
    connection: str | None
    categories: tuple[tuple[str, int], ...]
    shown: tuple[FlaggedRow, ...]
    choices: tuple[tuple[int, str], ...]
    can_ask: bool
    form: FormState
    topic: str


def resource(session: Session, version: DatasetVersion) -> ModerationResource:
    """As the API gives it."""
    row = queries.moderation_of(session, version.id)
    if row is None:
        return ModerationResource(
            NOT_ASKED, None, version.rows or 0, 0, 0, {}, (), None, None, None
        )
    return ModerationResource(
        status=STUCK if is_poisoned(row, clock.now(session)) else row.status,
        connection_id=row.connection_id,
        rows=version.rows or 0,
        rows_done=row.n,
        flagged=row.flagged,
        categories=row.found["categories"],
        found=_flagged(row),
        error=row.last_error,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def section(
    session: Session, version: DatasetVersion, *, can_edit: bool, form: FormState
) -> ModerationView:
    """As a page shows it."""
    it = resource(session, version)
    able = [one for one in connections.connections_of(session, version.project_id) if _can(one)]
    asked = it.connection_id and session.get(Connection, it.connection_id)
    return ModerationView(
        version_id=version.id,
        it=it,
        connection=asked.name if asked else None,
        categories=tuple(sorted(it.categories.items(), key=lambda item: -item[1])),
        shown=it.found[:SHOWN],
        choices=tuple((one.id, one.name) for one in able),
        can_ask=can_edit and it.status != "asking",
        form=form,
        topic=f"version:{version.id}",
    )


def _can(connection: Connection) -> bool:
    return can_moderate(connection) and connection.refused_at is None


def _flagged(row: Moderation) -> tuple[FlaggedRow, ...]:
    return tuple(
        FlaggedRow(line, tuple(categories), score) for line, categories, score in row.found["rows"]
    )
