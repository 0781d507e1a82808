"""All keys of the instance at once: whether its secret opens them, and sealing them anew."""

from sqlalchemy.orm import Session

from app.connections import queries, standing
from app.connections.keys import UNREADABLE, KeyUnreadable, opened_key, opens, seal_key


def check_keys(session: Session) -> None:
    """Stop the connections whose keys no longer open, since the instance's secret is another one;
    let those go on that open again. Called once the practice connections have theirs.
    """
    for connection in queries.every_connection(session):
        is_stopped = connection.words == UNREADABLE
        if opens(connection) and is_stopped:
            standing.forget(session, connection)
        elif not (is_stopped or opens(connection)):
            standing.record_failure(session, connection, KeyUnreadable())


def reseal_keys(session: Session) -> tuple[int, int]:
    """Seal every key with the present secret; how many there are, and how many no secret opens."""
    connections = queries.every_connection_held(session)
    readable = [connection for connection in connections if opens(connection)]
    for connection in readable:
        seal_key(connection, opened_key(connection))
    return len(readable), len(connections) - len(readable)
