"""Base models, tuned models and their answers as JSON."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from app.auth.access import CurrentUser
from app.catalog import asking, queries, service
from app.catalog.access import (
    AnswerSeat,
    AskedConnection,
    CurrentModel,
    EditableModel,
    ListSeat,
    TalkableModel,
)
from app.catalog.belief import all_dates
from app.catalog.forms import ChatForm
from app.catalog.listing import MODELS
from app.catalog.prices import price_book
from app.catalog.views import BaseModelResource, ModelResource, base_resource, resource
from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession, read_only
from app.core.errors import ProviderFailed
from app.core.keyset import page_of
from app.projects.access import CurrentProject

router = APIRouter(prefix="/api/v1", tags=["models"])


@router.get("/connections/{connection_id}/base-models", name="api.base_models.index")
def base_models(entered: AskedConnection, _seat: ListSeat) -> Listing[BaseModelResource]:
    """The models a connection can tune, with their shutdown dates where known; asked for when not
    read lately.
    """
    connection = entered.thing
    asking.read_base_models(connection.id)
    with read_only() as session:
        offered = queries.base_models_of(session, connection.id)
        dates = all_dates(session, {connection.id})
        book = price_book(session)
        words = queries.words_of_connection(session, connection.id)
    if not offered and words:
        raise ProviderFailed(f"{connection.name} did not answer: {words}")
    said = {
        model.name: next(iter(dates.of_base(connection, model.name)), None) for model in offered
    }
    prices = {model.name: book.of(connection.profile, model.name) for model in offered}
    found = [base_resource(one, prices[one.name], said[one.name]) for one in offered]
    return Listing(data=found, next=None)


@router.get("/projects/{project_id}/models", name="api.models.index", openapi_extra=MODELS.openapi)
def index(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[ModelResource]:
    """A project's tuned models, the newest first unless asked otherwise."""
    found = page_of(session, queries.ids_of_models(project.id), MODELS.read(request), limit=limit)
    rows = queries.models_by_ids(session, project.id, found.ids)
    return keyed(found, [resource(model) for model in rows])


@router.get("/models/{model_id}", name="api.models.show")
def show(model: CurrentModel) -> ModelResource:
    """One tuned model."""
    return resource(model)


@router.post("/models/{model_id}/archive", name="api.models.archive")
def archive(session: DbSession, user: CurrentUser, model: EditableModel) -> ModelResource:
    """Put a model out of the list; the provider keeps it."""
    service.archive_model(session, model, actor_id=user.id)
    return resource(model)


@router.post("/models/{model_id}/unarchive", name="api.models.unarchive")
def unarchive(session: DbSession, user: CurrentUser, model: EditableModel) -> ModelResource:
    """Bring an archived model back into the list."""
    service.unarchive_model(session, model, actor_id=user.id)
    return resource(model)


@router.post("/models/{model_id}/chat", name="api.models.chat", response_model=dict[str, Any])
async def chat(entered: TalkableModel, body: ChatForm, _seat: AnswerSeat) -> Response:
    """Ask a tuned model. The answer has OpenAI's chat-completion shape; with `stream` it comes as
    `data:` lines.
    """
    ref = entered.thing.ref
    if body.stream:
        return StreamingResponse(
            await asking.stream(ref.connection, ref.name, body), media_type="text/event-stream"
        )
    return JSONResponse(await asking.answer(ref.connection, ref.name, body))
