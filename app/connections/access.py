"""Load a connection and check that the person may see, change or test it."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares, sent_token
from app.auth.models import User
from app.connections import queries
from app.connections.models import Connection
from app.core.database import DbSession
from app.projects.access import Entered, briefly, reach, seat_for

# A page that asks a provider holds one of the pages' threads until it answers: half of them at
# most, however slow the servers are that somebody connected.
ASKING, ASKING_OF_ONE = 6, 2


@declares("view")
def viewable_connection(
    request: Request, session: DbSession, user: CurrentUser, connection_id: PathId
) -> Connection:
    """The connection of the URL, for members of its project."""
    found = queries.connection_by_id(session, connection_id)
    return reach(request, session, user, found, "view")


@declares("manage")
def managed_connection(
    request: Request, session: DbSession, user: CurrentUser, connection_id: PathId
) -> Connection:
    """The connection of the URL, for owners of its project."""
    found = queries.connection_by_id(session, connection_id)
    return reach(request, session, user, found, "manage")


@declares("manage")
def connection_to_test(
    request: Request, sent: Annotated[str | None, Depends(sent_token)], connection_id: PathId
) -> Entered[Connection]:
    """The connection of the URL for a question to its provider: no session stays open while it
    answers.
    """

    def load(session: Session, user: User) -> Connection:
        found = queries.connection_by_id(session, connection_id)
        return reach(request, session, user, found, "manage")

    return briefly(request, load, sent)


def asking_seat(entered: Callable[..., Entered[Any]]) -> Any:
    """A dependency: a seat for a handler that asks a provider, for whoever came in by `entered`."""
    return seat_for(entered, among="asking_seats")


CurrentConnection = Annotated[Connection, Depends(viewable_connection)]
ManagedConnection = Annotated[Connection, Depends(managed_connection)]
ConnectionToTest = Annotated[Entered[Connection], Depends(connection_to_test)]
TestSeat = Annotated[None, asking_seat(connection_to_test)]
