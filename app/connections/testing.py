"""Tests of connections: asked for by hand or by a change, counted, and done by a worker."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, update
from sqlalchemy.orm import Session

from app.connections import queries, standing
from app.connections.models import Connection, ConnectionTest
from app.core import clock
from app.core.errors import TooMany
from app.core.queue import enqueue

MOST_TESTS, TESTS_WITHIN, TESTS_KEPT = 10, timedelta(minutes=1), timedelta(days=1)
LEASE = timedelta(minutes=1)


def count_test(session: Session, user_id: int) -> None:
    """Count one test of a connection. Raises TooMany when the person made ten within a minute."""
    moment = clock.now(session)
    if _has_tested_enough(session, user_id, moment):
        raise TooMany(
            f"{MOST_TESTS} tests within a minute are enough. Try again in a minute.",
            headers={"Retry-After": "60"},
        )
    session.execute(delete(ConnectionTest).where(ConnectionTest.at < moment - TESTS_KEPT))
    session.add(ConnectionTest(user_id=user_id, at=moment))


def _has_tested_enough(session: Session, user_id: int, moment: datetime) -> bool:
    return queries.count_tests(session, user_id, since=moment - TESTS_WITHIN) >= MOST_TESTS


def ask_for_test(session: Session, connection: Connection, *, actor_id: int) -> None:
    """Let a worker test it as soon as this unit of work is committed. Of somebody who tested ten
    within a minute it waits for their click.
    """
    moment = clock.now(session)
    if _has_tested_enough(session, actor_id, moment):
        return
    session.add(ConnectionTest(user_id=actor_id, at=moment))
    connection.test_due_at = moment
    enqueue(session, "connections.test", connection.id)


def claim_test(session: Session, connection_id: int) -> Connection | None:
    """Take a test that is due; it comes back in a minute if nobody ends it. None: it is not due."""
    moment = clock.now(session)
    taken: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Connection)
        .where(Connection.id == connection_id, Connection.test_due_at <= moment)
        .values(test_due_at=moment + LEASE)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount == 0:
        return None
    return session.get_one(Connection, connection_id, populate_existing=True)


def end_test(session: Session, asked: Connection) -> None:
    """The connection was asked, whatever came of it; one that was changed meanwhile still waits."""
    connection = standing.unless_changed(session, asked)
    if connection is not None:
        connection.test_due_at = None
