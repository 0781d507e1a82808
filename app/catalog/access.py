"""Load a tuned model and check that the person may see it or talk to it."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares
from app.auth.models import User
from app.catalog import queries
from app.catalog.models import TunedModel
from app.connections import queries as connections
from app.connections.access import asking_seat
from app.connections.models import Connection
from app.core.database import DbSession
from app.projects.access import Entered, briefly, reach, seat_for

# So many whole answers a script may wait for at once.
ANSWERS_OF_ONE = 8


@declares("view")
def viewable_model(
    request: Request, session: DbSession, user: CurrentUser, model_id: PathId
) -> TunedModel:
    """The tuned model of the URL, for members of its project."""
    return reach(request, session, user, queries.model_by_id(session, model_id), "view")


@declares("edit")
def editable_model(
    request: Request, session: DbSession, user: CurrentUser, model_id: PathId
) -> TunedModel:
    """The tuned model of the URL, for those who keep the project in order."""
    return reach(request, session, user, queries.model_by_id(session, model_id), "edit")


@declares("spend")
def talkable_model(request: Request, model_id: PathId) -> Entered[TunedModel]:
    """The tuned model of the URL for a conversation: no session stays open while it answers."""

    def load(session: Session, user: User) -> TunedModel:
        return reach(request, session, user, queries.model_by_id(session, model_id), "spend")

    return briefly(request, load)


@declares("view")
def asked_connection(request: Request, connection_id: PathId) -> Entered[Connection]:
    """The connection of the URL, for a question to its provider: no session stays open while it
    answers.
    """

    def load(session: Session, user: User) -> Connection:
        found = connections.connection_by_id(session, connection_id)
        return reach(request, session, user, found, "view")

    return briefly(request, load)


CurrentModel = Annotated[TunedModel, Depends(viewable_model)]
EditableModel = Annotated[TunedModel, Depends(editable_model)]
TalkableModel = Annotated[Entered[TunedModel], Depends(talkable_model)]
AskedConnection = Annotated[Entered[Connection], Depends(asked_connection)]
AnswerSeat = Annotated[None, seat_for(talkable_model, among="answer_seats")]
ListSeat = Annotated[None, asking_seat(asked_connection)]
