"""The pages of the playground: asking several models the same, and what was asked before."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, PathId, csrf_checked
from app.catalog.asking import read_base_models
from app.collections.service import Saved
from app.core.database import DbSession, read_only
from app.core.errors import Conflict, WrongInput
from app.core.forms import Submission, submitted
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for, redirect
from app.core.views import FormState
from app.playground import asking, queries, saving, service, showing, views
from app.playground.access import (
    AskingConversation,
    AskingProject,
    ConversationSeat,
    CurrentConversation,
    ModelsSeat,
    OwnConversation,
    ProjectSeat,
    SavableConversation,
    ViewedProject,
)
from app.playground.forms import AgainForm, AskForm, PromptForm, SaveForm, StopForm
from app.playground.listing import CONVERSATIONS
from app.playground.models import Conversation
from app.playground.relay import Relayed, relay
from app.projects.access import CurrentProject, SpendableProject
from app.projects.queries import members_of

router = APIRouter(dependencies=[Depends(csrf_checked)])
# These look at the token themselves, before models take their time.
talking = APIRouter()

PAGE = 25

# Of a question its number, of an answer its column.
At = Annotated[int, Query(ge=0, le=10_000)]


@talking.get("/projects/{project_id}/playground", name="playground.index")
def index(request: Request, entered: ViewedProject, _seat: ModelsSeat) -> Response:
    project_id = entered.thing.id
    with read_only() as session:
        unread = queries.connections_unread(session, project_id)
    for connection_id in unread:
        read_base_models(connection_id)
    with read_only() as session:
        view = showing.show(request, session, entered.user, project_id)
    return page(request, "playground/show.html", view)


@router.get("/projects/{project_id}/playground/history", name="playground.history")
def history(
    request: Request, session: DbSession, user: CurrentUser, project: CurrentProject
) -> Response:
    asked, part = CONVERSATIONS.read(request), asked_part(request, "rows")
    fenced = queries.ids_of_conversations(project.id, user.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    rows = queries.conversations_by_ids(session, project.id, found.ids)
    place = place_of(session, fenced, asked, found)
    people = [(str(one.user_id), one.user.name) for one in members_of(session, project.id)]
    view = views.HistoryView(
        project_id=project.id,
        conversations=tuple(views.row(one) for one in rows),
        list=list_view(request, asked, found, place, options={"by": people}),
        has_any=bool(rows) or queries.has_conversations(session, project.id, user.id),
    )
    return page(request, "playground/history.html", view, fragment=part)


@router.get("/conversations/{conversation_id}", name="playground.show")
def show(
    request: Request, session: DbSession, user: CurrentUser, conversation: CurrentConversation
) -> Response:
    view = showing.show(request, session, user, conversation.project_id, conversation)
    return page(request, "playground/show.html", view)


@router.post("/projects/{project_id}/playground/prompt", name="playground.prompt")
def prompt(
    request: Request,
    session: DbSession,
    project: SpendableProject,
    submission: Annotated[Submission[PromptForm], Depends(submitted(PromptForm))],
) -> Response:
    system = submission.form.system if submission.form else ""
    view = showing.prompt_part(request, session, project.id, system)
    return page(request, "playground/show.html", view, fragment="prompt")


@talking.post("/projects/{project_id}/playground/ask", name="playground.ask")
async def ask(
    request: Request, entered: AskingProject, body: AskForm, _seat: ProjectSeat
) -> Response:
    asked = await asking.begin(entered.thing.id, entered.user.id, body)
    return _relayed(request, asked)


@talking.post("/conversations/{conversation_id}/ask", name="playground.go_on")
async def go_on(
    request: Request, entered: AskingConversation, body: AskForm, _seat: ConversationSeat
) -> Response:
    return _relayed(request, await asking.go_on(entered.thing, entered.user.id, body))


@talking.post("/conversations/{conversation_id}/again", name="playground.again")
async def again(
    request: Request, entered: AskingConversation, body: AgainForm, _seat: ConversationSeat
) -> Response:
    return _relayed(request, await asking.again(entered.thing, entered.user.id, body))


@router.post("/conversations/{conversation_id}/stop", name="playground.stop")
def stop(session: DbSession, conversation: OwnConversation, body: StopForm) -> Response:
    service.stop(session, conversation, number=body.number, place=body.place)
    return Response(status_code=204)


def _relayed(request: Request, asked: asking.Asked) -> Response:
    url = path_for(request, "playground.show", conversation_id=asked.conversation_id)
    head = {
        "url": url,
        "ask_url": path_for(request, "playground.go_on", conversation_id=asked.conversation_id),
        "again_url": path_for(request, "playground.again", conversation_id=asked.conversation_id),
        "stop_url": path_for(request, "playground.stop", conversation_id=asked.conversation_id),
        "save_url": path_for(
            request, "playground.save_form", conversation_id=asked.conversation_id
        ),
        "number": asked.number,
    }
    return Relayed(relay(head, asked.columns, views.line))


@router.get("/conversations/{conversation_id}/save", name="playground.save_form")
def save_form(
    request: Request, session: DbSession, conversation: SavableConversation, number: At, place: At
) -> Response:
    view = saving.save_view(session, conversation, number, place, FormState())
    return page(request, "playground/save.html", view, fragment=asked_part(request, "form"))


@router.post("/conversations/{conversation_id}/save", name="playground.save")
def save(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    conversation: SavableConversation,
    submission: Annotated[Submission[SaveForm], Depends(submitted(SaveForm))],
    number: At,
    place: At,
) -> Response:
    try:
        if submission.form is not None:
            saved = saving.save(session, conversation, submission.form, user_id=user.id)
            return _saved(request, conversation, saved)
    except (WrongInput, Conflict) as error:
        submission = submission.refused(error)
    view = saving.save_view(session, conversation, number, place, submission)
    part = asked_part(request, "form")
    return page(request, "playground/save.html", view, fragment=part, status=422)


def _saved(request: Request, conversation: Conversation, saved: Saved) -> Response:
    view = saving.saved_view(request, conversation, saved)
    if asked_part(request, "saved"):
        return page(request, "playground/save.html", view, fragment="saved")
    there = "" if saved.is_new else " already"
    return _back(request, conversation.id, f"It is in {view.collection}{there}.")


@router.post("/conversations/{conversation_id}/saved/{row_id}/undo", name="playground.unsave")
def unsave(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    conversation: SavableConversation,
    row_id: PathId,
) -> Response:
    saving.undo(session, conversation, row_id, user_id=user.id)
    if asked_part(request, "undone"):
        return page(request, "playground/save.html", None, fragment="undone")
    return _back(request, conversation.id, "It is taken out again.")


@router.post("/conversations/{conversation_id}/share", name="playground.share")
def share(
    request: Request, session: DbSession, user: CurrentUser, conversation: OwnConversation
) -> Response:
    service.share(session, conversation, actor_id=user.id)
    return _back(request, conversation.id, "Everybody in the project may read it now.")


@router.post("/conversations/{conversation_id}/unshare", name="playground.unshare")
def unshare(
    request: Request, session: DbSession, user: CurrentUser, conversation: OwnConversation
) -> Response:
    service.unshare(session, conversation, actor_id=user.id)
    return _back(request, conversation.id, "Only you can read it now.")


@router.post("/conversations/{conversation_id}/delete", name="playground.delete")
def delete(
    request: Request, session: DbSession, user: CurrentUser, conversation: OwnConversation
) -> Response:
    service.delete(session, conversation, actor_id=user.id)
    return redirect(
        request,
        "playground.history",
        toast="The conversation is deleted.",
        project_id=conversation.project_id,
    )


def _back(request: Request, conversation_id: int, toast: str) -> Response:
    return redirect(request, "playground.show", toast=toast, conversation_id=conversation_id)
