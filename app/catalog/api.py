"""Base models, tuned models and their answers as JSON."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response, StreamingResponse

from app.catalog import asking, queries
from app.catalog.access import AskedConnection, CurrentModel, TalkableModel
from app.catalog.forms import ChatForm
from app.catalog.views import BaseModelResource, ModelResource, base_resource, resource
from app.core.api import After, Limit, Listing, listing
from app.core.database import DbSession, read_only
from app.core.errors import ProviderFailed
from app.projects.access import CurrentProject

router = APIRouter(prefix="/api/v1", tags=["models"])


@router.get("/connections/{connection_id}/base-models", name="api.base_models.index")
def base_models(entered: AskedConnection) -> Listing[BaseModelResource]:
    """The models a connection can tune, with their shutdown dates where known; asked for when not
    read lately.
    """
    connection = entered.thing
    asking.read_base_models(connection.id)
    with read_only() as session:
        offered = queries.base_models_of(session, connection.id)
        words = queries.words_of_connection(session, connection.id)
    if not offered and words:
        raise ProviderFailed(f"{connection.name} did not answer: {words}")
    return Listing(data=[base_resource(model, connection.profile) for model in offered], next=None)


@router.get("/projects/{project_id}/models", name="api.models.index")
def index(
    session: DbSession, project: CurrentProject, after: After = None, limit: Limit = 50
) -> Listing[ModelResource]:
    """A project's tuned models, the newest first."""
    return listing(
        queries.models_of(session, project.id, after=after, limit=limit + 1), limit, resource
    )


@router.get("/models/{model_id}", name="api.models.show")
def show(model: CurrentModel) -> ModelResource:
    """One tuned model."""
    return resource(model)


@router.post("/models/{model_id}/chat", name="api.models.chat", response_model=dict[str, Any])
async def chat(entered: TalkableModel, body: ChatForm) -> Response:
    """Ask a tuned model. The answer has OpenAI's chat-completion shape; with `stream` it comes as
    `data:` lines.
    """
    ref = entered.thing.ref
    if body.stream:
        return StreamingResponse(
            await asking.stream(ref.connection, ref.name, body), media_type="text/event-stream"
        )
    return JSONResponse(await asking.answer(ref.connection, ref.name, body))
