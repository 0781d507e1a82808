"""Into a conversation: its maker's alone until it is shared with the project."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares
from app.auth.models import Access, User
from app.connections.access import asking_seat
from app.core.database import DbSession
from app.core.errors import NotAllowed, NotFound
from app.playground import queries
from app.playground.models import Conversation
from app.projects.access import Entered, briefly, enter, reach, seat_for
from app.projects.models import Project

# Questions that are being answered at once, each by up to six models; so many of one person.
ASKED_AT_ONCE, ASKED_BY_ONE = 64, 4


def _seen(
    request: Request, session: Session, user: User, conversation_id: int, access: Access
) -> Conversation:
    """Raises NotFound for what another person keeps to themselves."""
    found = queries.conversation_by_id(session, conversation_id)
    conversation = reach(request, session, user, found, access)
    if conversation.created_by != user.id and conversation.shared_at is None:
        raise NotFound
    return conversation


def _own(
    request: Request, session: Session, user: User, conversation_id: int, access: Access
) -> Conversation:
    conversation = _seen(request, session, user, conversation_id, access)
    if conversation.created_by != user.id:
        raise NotAllowed("Only whoever began a conversation goes on with it, or changes it.")
    return conversation


@declares("view")
def viewable_conversation(
    request: Request, session: DbSession, user: CurrentUser, conversation_id: PathId
) -> Conversation:
    """The conversation of the URL, for its maker, and for members once it is shared."""
    return _seen(request, session, user, conversation_id, "view")


@declares("edit")
def own_conversation(
    request: Request, session: DbSession, user: CurrentUser, conversation_id: PathId
) -> Conversation:
    """The conversation of the URL, for its maker."""
    return _own(request, session, user, conversation_id, "edit")


@declares("edit")
def savable_conversation(
    request: Request, session: DbSession, user: CurrentUser, conversation_id: PathId
) -> Conversation:
    """The conversation of the URL, for those who read it and may save what was answered."""
    return _seen(request, session, user, conversation_id, "edit")


@declares("view")
def viewed_project(request: Request, project_id: PathId) -> Entered[Project]:
    """The project of the URL for a page that asks providers what they offer: no session stays open
    while they answer.
    """
    return briefly(request, lambda session, user: enter(request, session, user, project_id, "view"))


@declares("spend")
def asking_project(request: Request, project_id: PathId) -> Entered[Project]:
    """The project of the URL for a question: no session stays open while models answer."""
    return briefly(
        request, lambda session, user: enter(request, session, user, project_id, "spend")
    )


@declares("spend")
def asking_conversation(request: Request, conversation_id: PathId) -> Entered[Conversation]:
    """The conversation of the URL for a further question of its maker."""
    return briefly(
        request, lambda session, user: _own(request, session, user, conversation_id, "spend")
    )


CurrentConversation = Annotated[Conversation, Depends(viewable_conversation)]
OwnConversation = Annotated[Conversation, Depends(own_conversation)]
SavableConversation = Annotated[Conversation, Depends(savable_conversation)]
AskingProject = Annotated[Entered[Project], Depends(asking_project)]
AskingConversation = Annotated[Entered[Conversation], Depends(asking_conversation)]
ViewedProject = Annotated[Entered[Project], Depends(viewed_project)]
ModelsSeat = Annotated[None, asking_seat(viewed_project)]
# Held until the last model has answered.
ProjectSeat = Annotated[None, seat_for(asking_project, among="question_seats", scope="request")]
ConversationSeat = Annotated[
    None, seat_for(asking_conversation, among="question_seats", scope="request")
]
