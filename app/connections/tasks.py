"""The worker's part: test a connection that is new or was changed."""

from app.connections import queries, testing
from app.connections.asking import ask_about_key
from app.core import clock
from app.core.database import read_only, unit_of_work
from app.core.queue import Work, finds_work, task
from app.providers.base import AllowanceSpent


@finds_work()
def waiting() -> list[Work]:
    """Every connection whose test is due."""
    with read_only() as session:
        found = queries.connections_to_test(session, clock.now(session))
    return [("connections.test", connection_id) for connection_id in found]


@task("connections.test")
def test(connection_id: int) -> None:
    """Ask a connection's provider whose key it is and what it may do; nothing paid happens."""
    with unit_of_work() as session:
        connection = testing.claim_test(session, connection_id)
    if connection is None:
        return
    try:
        ask_about_key(connection)
    except AllowanceSpent:
        return  # it comes back by itself
