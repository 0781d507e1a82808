"""How a connection stands with those who ask over it: what each slice may take, how fast it went,
and what is done when nothing comes.
"""

from collections.abc import Callable

from sqlalchemy.orm import Session

from app.connections import standing
from app.connections.models import Connection
from app.core import clock, leases
from app.core.leases import Leased
from app.evaluations.asking import paces, queries
from app.evaluations.asking.asker import Asker, Share
from app.evaluations.asking.slices import Slice
from app.evaluations.models import AnswerPace
from app.providers.base import KeyRejected, ProviderError

HELD_SECONDS = 30.0
AWAY_WAITS = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)

Pause = Callable[[str, str | None], None]
"""Pauses whatever asks: by whom or what, and in which words."""


def share_of(
    session: Session,
    connection: Connection,
    *,
    per_minute: int | None = None,
    at_once: int | None = None,
) -> Share:
    """What a slice that is claimed already may take of a connection."""
    beside = queries.count_beside(session, connection.id, clock.now(session))
    known = session.get(AnswerPace, connection.id)
    return Share(connection, beside, known, per_minute, at_once)


def stands_still(session: Session, row: Leased, connection: Connection, pause: Pause) -> bool:
    """Whether nothing may be asked over the connection just now. A refused key pauses until it is
    another, or works again; a wait passes by itself.
    """
    if not standing.is_held(connection, clock.now(session)):
        return False
    if connection.refused_at is not None:
        leases.settle(row, due_at=None)
        pause("key", connection.words)
    else:
        due_at = connection.not_before or clock.later(session, HELD_SECONDS)
        leases.settle(row, due_at=due_at, error=connection.words)
    return True


def keep_pace(session: Session, share: Share, asker: Asker, seen: Slice) -> int:
    """How fast it went, for the next slice; and how many in a row brought nothing."""
    if seen.answered:
        standing.record_answer(session, share.connection.id)
    kept = paces.hold(session, share.connection.id)
    kept.outages = kept.outages + 1 if seen.is_away else 0
    if asker.pace is not None and not seen.is_away:
        paces.agree(session, kept, asker.pace)
    return kept.outages


def gives_up(
    session: Session, row: Leased, share: Share, seen: Slice, outages: int, pause: Pause
) -> bool:
    """Whether what the provider said stands in the way of all: of the key, which stops the
    connection too; of the model, or of how it is asked; or nothing, and it is tried again by
    itself.
    """
    if seen.for_all is not None:
        error = seen.for_all.error
        leases.settle(row, due_at=None, error=error.message)
        is_of_key = isinstance(error, KeyRejected)
        if is_of_key:
            standing.record_failure(session, share.connection, error)
        pause("key" if is_of_key else "provider", error.message)
    elif seen.is_refused and seen.last is not None:
        leases.settle(row, due_at=None)
        pause("provider", seen.last.message)
    elif seen.is_away and seen.last is not None:
        _wait_for_provider(session, row, share, seen.last, outages)
    elif seen.held_seconds:
        leases.settle(row, due_at=clock.later(session, seen.held_seconds))
    else:
        return False
    return True


def _wait_for_provider(
    session: Session, row: Leased, share: Share, error: ProviderError, outages: int
) -> None:
    """Nobody answers at all: that says nothing of the questions."""
    standing.record_failure(session, share.connection, error)
    seconds = AWAY_WAITS[min(outages, len(AWAY_WAITS)) - 1]
    leases.settle(row, due_at=clock.later(session, seconds), error=error.message)
