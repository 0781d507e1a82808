"""Asking a provider whose key it is and what it may do. No unit of work is open while it thinks."""

from contextlib import closing

from app.connections import service, standing, testing
from app.connections.models import Connection
from app.core.database import unit_of_work
from app.core.errors import TooMany
from app.core.http import HttpOptions
from app.providers.base import AllowanceSpent, ProviderError


def test_connection(connection: Connection, *, user_id: int) -> None:
    """Ask, since somebody wants to know now. Raises TooMany when this person asked ten times within
    a minute, or the provider's allowance is spent.
    """
    with unit_of_work() as session:
        testing.count_test(session, user_id)
    try:
        ask_about_key(connection)
    except AllowanceSpent as error:
        raise TooMany(f"{error.message} Try again in a moment.") from error


def ask_about_key(connection: Connection) -> None:
    """Ask, and keep what the provider says: of the key, or why it does not answer. Raises
    AllowanceSpent when nothing may be sent just now.
    """
    # Somebody waits for the answer; three short questions are asked.
    patience = HttpOptions(connect_seconds=5, read_seconds=10, total_seconds=15)
    try:
        with closing(service.open_connection(connection, patience, is_urgent=True)) as provider:
            found = provider.check_key()
    except AllowanceSpent:
        raise
    except ProviderError as error:
        with unit_of_work() as session:
            testing.end_test(session, connection)
            standing.record_failure(session, connection, error)
        return
    with unit_of_work() as session:
        testing.end_test(session, connection)
        standing.record_account(session, connection, found)
