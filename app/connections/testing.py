"""Tests of connections: how often somebody may ask for one."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.connections import queries
from app.connections.models import ConnectionTest
from app.core import clock
from app.core.errors import TooMany

MOST_TESTS, TESTS_WITHIN, TESTS_KEPT = 10, timedelta(minutes=1), timedelta(days=1)


def count_test(session: Session, user_id: int) -> None:
    """Count one test of a connection. Raises TooMany when the person made ten within a minute."""
    moment = clock.now(session)
    if queries.count_tests(session, user_id, since=moment - TESTS_WITHIN) >= MOST_TESTS:
        raise TooMany(
            f"{MOST_TESTS} tests within a minute are enough. Try again in a minute.",
            headers={"Retry-After": "60"},
        )
    session.execute(delete(ConnectionTest).where(ConnectionTest.at < moment - TESTS_KEPT))
    session.add(ConnectionTest(user_id=user_id, at=moment))
