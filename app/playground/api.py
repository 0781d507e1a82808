"""Asking several models the same, and what was asked, as JSON."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser
from app.collections.resources import RowResource, row_resource
from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession, read_only
from app.core.errors import NotFound
from app.core.keyset import page_of
from app.playground import asking, queries, saving, service
from app.playground.access import (
    AskingConversation,
    AskingProject,
    ConversationSeat,
    CurrentConversation,
    OwnConversation,
    ProjectSeat,
    SavableConversation,
)
from app.playground.forms import AgainForm, AskForm, SaveForm, StopForm
from app.playground.listing import CONVERSATIONS
from app.playground.preparing import told
from app.playground.relay import Relayed, relay
from app.playground.resources import (
    BriefResource,
    ConversationResource,
    answer_resource,
    brief_resource,
    resource,
)
from app.projects.access import CurrentProject

router = APIRouter(prefix="/api/v1", tags=["conversations"])


@router.get(
    "/projects/{project_id}/conversations",
    name="api.conversations.index",
    openapi_extra=CONVERSATIONS.openapi,
)
def index(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: CurrentProject,
    limit: Limit = 50,
) -> Listing[BriefResource]:
    """Your conversations and those shared with the project, the last asked first."""
    fenced = queries.ids_of_conversations(project.id, user.id)
    found = page_of(session, fenced, CONVERSATIONS.read(request), limit=limit)
    rows = queries.conversations_by_ids(session, project.id, found.ids)
    return keyed(found, [brief_resource(one) for one in rows])


@router.post(
    "/projects/{project_id}/conversations",
    name="api.conversations.begin",
    status_code=201,
    response_model=ConversationResource,
)
async def begin(
    request: Request, entered: AskingProject, body: AskForm, _seat: ProjectSeat
) -> ConversationResource | Response:
    """Ask up to six models the same. The conversation with all answers comes back; with `stream`
    their pieces come as `data:` lines, each with the `place` of its column. Whoever hangs up stops
    the models. What the project's budget has no room for is not asked (409): `budget` has the
    numbers.
    """
    asked = await asking.begin(entered.thing.id, entered.user.id, body)
    return await _answered(request, asked, stream=body.stream)


@router.get("/conversations/{conversation_id}", name="api.conversations.show")
def show(session: DbSession, conversation: CurrentConversation) -> ConversationResource:
    """One conversation: what was asked, and what each model answered."""
    return resource(told(session, conversation))


@router.post(
    "/conversations/{conversation_id}/questions",
    name="api.conversations.ask",
    status_code=201,
    response_model=ConversationResource,
)
async def ask(
    request: Request, entered: AskingConversation, body: AskForm, _seat: ConversationSeat
) -> ConversationResource | Response:
    """Ask further; with a `number` instead of that question and all after it."""
    asked = await asking.go_on(entered.thing, entered.user.id, body)
    return await _answered(request, asked, stream=body.stream)


@router.post(
    "/conversations/{conversation_id}/again",
    name="api.conversations.again",
    response_model=ConversationResource,
)
async def again(
    request: Request, entered: AskingConversation, body: AgainForm, _seat: ConversationSeat
) -> ConversationResource | Response:
    """Ask one column of a question once more; its answer takes the place of the one before."""
    asked = await asking.again(entered.thing, entered.user.id, body)
    return await _answered(request, asked, stream=body.stream)


@router.post(
    "/conversations/{conversation_id}/stop", name="api.conversations.stop", status_code=202
)
def stop(session: DbSession, conversation: OwnConversation, body: StopForm) -> ConversationResource:
    """Stop one column while it is answered; the others go on. Its model is left within a second or
    so, and what came is kept.
    """
    service.stop(session, conversation, number=body.number, place=body.place)
    return resource(told(session, conversation))


@router.post(
    "/conversations/{conversation_id}/save", name="api.conversations.save", status_code=201
)
def save(
    session: DbSession, user: CurrentUser, conversation: SavableConversation, body: SaveForm
) -> RowResource:
    """Keep an answer as a row of the project's collection of this name, made where there is none:
    `as` chat, preference (`over` another place) or evaluation (`reference` answer or none). A row
    that is there already is given back.
    """
    return row_resource(saving.save(session, conversation, body, user_id=user.id).row)


@router.post("/conversations/{conversation_id}/share", name="api.conversations.share")
def share(
    session: DbSession, user: CurrentUser, conversation: OwnConversation
) -> ConversationResource:
    """Let everybody in the project read it."""
    service.share(session, conversation, actor_id=user.id)
    return resource(told(session, conversation))


@router.post("/conversations/{conversation_id}/unshare", name="api.conversations.unshare")
def unshare(
    session: DbSession, user: CurrentUser, conversation: OwnConversation
) -> ConversationResource:
    """Keep it to yourself again."""
    service.unshare(session, conversation, actor_id=user.id)
    return resource(told(session, conversation))


@router.delete("/conversations/{conversation_id}", name="api.conversations.delete", status_code=204)
def delete(session: DbSession, user: CurrentUser, conversation: OwnConversation) -> Response:
    """Forget it with all its answers."""
    service.delete(session, conversation, actor_id=user.id)
    return Response(status_code=204)


async def _answered(
    request: Request, asked: asking.Asked, *, stream: bool
) -> ConversationResource | Response:
    head: dict[str, Any] = {"conversation_id": asked.conversation_id, "number": asked.number}
    lines = relay(head, asked.columns, answer_resource)
    if stream:
        return Relayed(lines)
    await _to_the_end(request, lines)
    return await anyio.to_thread.run_sync(_read, asked.conversation_id)


async def _to_the_end(request: Request, lines: AsyncIterator[bytes]) -> None:
    """Or until whoever asked has hung up: then the models are stopped."""
    async with aclosing(lines), anyio.create_task_group() as group:  # type: ignore[type-var]

        async def leave() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            group.cancel_scope.cancel()

        group.start_soon(leave)
        async for _ in lines:
            pass
        group.cancel_scope.cancel()


def _read(conversation_id: int) -> ConversationResource:
    with read_only() as session:
        conversation = queries.conversation_by_id(session, conversation_id)
        if conversation is None:
            raise NotFound
        return resource(told(session, conversation))
