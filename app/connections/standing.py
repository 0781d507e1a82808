"""How a connection stands: what its provider last said of the key, and how long calls wait."""

from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.core import clock
from app.core.events import announce
from app.providers.base import AccountInfo, KeyRejected, ProviderError
from app.settings import settings

LONGEST_WAIT_SECONDS = 86_400.0


def record_answer(session: Session, connection_id: int) -> None:
    """The provider answered: nothing holds the connection any more."""
    connection = session.get_one(Connection, connection_id)
    if (
        connection.words
        or connection.refused_at
        or connection.not_before
        or connection.checked_at is None
    ):
        connection.words = connection.refused_at = connection.not_before = None
        connection.checked_at = clock.now(session)
        tell(session, connection)


def record_account(session: Session, asked: Connection, found: AccountInfo) -> None:
    """Keep whose key it is and what it may do, with the date; the server's own profile counts."""
    connection = _unless_rekeyed(session, asked)
    if connection is None:
        return
    record_answer(session, connection.id)
    connection.profile = found.profile
    connection.account = asdict(found)
    connection.account_at = connection.checked_at = clock.now(session)
    tell(session, connection)


def record_failure(session: Session, asked: Connection, error: ProviderError) -> None:
    """Keep the provider's words where people see them. `asked` is the connection as it was asked: a
    key entered since then has not been judged.
    """
    connection = _unless_rekeyed(session, asked)
    if connection is None:
        return
    moment = clock.now(session)
    connection.words = error.message
    connection.checked_at = moment
    connection.refused_at = moment if isinstance(error, KeyRejected) else None
    tell(session, connection)


def hold(session: Session, asked: Connection, error: ProviderError, *, seconds: float) -> datetime:
    """Keep the words, and let all calls over the connection wait; until when they do. A longer wait
    that was asked for earlier holds.
    """
    record_failure(session, asked, error)
    connection = session.get_one(Connection, asked.id)
    wait = timedelta(seconds=settings().wait(min(max(seconds, 1.0), LONGEST_WAIT_SECONDS)))
    until = max(clock.now(session) + wait, connection.not_before or clock.now(session))
    connection.not_before = until
    return until


def forget(session: Session, connection: Connection) -> None:
    """Another key or address: what was said of the old one is no longer true, and nothing waits."""
    connection.words = connection.refused_at = connection.not_before = None
    connection.account = connection.account_at = connection.checked_at = None
    connection.due_at = clock.now(session)
    tell(session, connection)


def tell(session: Session, connection: Connection) -> None:
    """Tell open pages that the connection changed."""
    announce(session, f"connection:{connection.id}", f"project:{connection.project_id}")


def _unless_rekeyed(session: Session, asked: Connection) -> Connection | None:
    """The row as it is now; None when it is gone, or what was asked was another key."""
    connection = session.get(Connection, asked.id)
    if connection is None or connection.sealed_key != asked.sealed_key:
        return None
    return connection
