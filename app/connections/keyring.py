"""All keys of the instance at once: whether its secret opens them, and sealing them anew."""

from sqlalchemy.orm import Session

from app.connections import hook_secrets, queries, queries_hooks, standing
from app.connections.keys import (
    UNREADABLE,
    KeyUnreadable,
    admin_key_opens,
    opened_admin_key,
    opened_key,
    opens,
    seal_admin_key,
    seal_key,
)


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
    with_admin_key = [one for one in connections if one.sealed_admin_key is not None]
    readable_too = [connection for connection in with_admin_key if admin_key_opens(connection)]
    for connection in readable_too:
        seal_admin_key(connection, opened_admin_key(connection) or "")
    hooks = queries_hooks.every_hook_held(session)
    of_hooks = [hook for hook in hooks if hook_secrets.opens(hook)]
    for hook in of_hooks:
        hook_secrets.reseal(hook)
    sealed = len(readable) + len(readable_too) + len(of_hooks)
    return sealed, len(connections) + len(with_admin_key) + len(hooks) - sealed
