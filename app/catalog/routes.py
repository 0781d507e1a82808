"""The pages about models: which there are, where each comes from, and talking to them."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from app.auth.access import csrf_checked
from app.catalog import asking, views
from app.catalog.access import AnswerSeat, CurrentModel, TalkableModel
from app.catalog.forms import ChatForm
from app.core.database import DbSession
from app.core.pages import asked_part, page, path_for
from app.datasets import queries as datasets
from app.datasets.rows import first_questions
from app.projects.access import role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])
talking = APIRouter()

EXAMPLES = 4


@router.get("/models/{model_id}", name="models.show")
def show(request: Request, model: CurrentModel) -> Response:
    view = views.show(
        model,
        job_url=path_for(request, "jobs.show", job_id=model.job_id) if model.job_id else None,
        version_url=path_for(request, "datasets.show", version_id=model.dataset_version_id)
        if model.dataset_version_id
        else None,
        can_chat=role_here(request).may("spend"),
    )
    return page(request, "catalog/model.html", view)


@router.get("/models/{model_id}/try", name="models.try")
def try_it(request: Request, session: DbSession, model: CurrentModel) -> Response:
    trained = model.dataset_version
    held_out_id = model.lineage.get("validation_version_id")
    held_out = datasets.version_in(session, model.project_id, held_out_id) if held_out_id else None
    asked = held_out or trained
    view = views.try_it(
        model,
        system_prompt=((trained.report if trained else None) or {}).get("system_prompt") or "",
        source=f"{trained.dataset.name}, version {trained.number}" if trained else "",
        examples=first_questions(asked, EXAMPLES) if asked else (),
        can_chat=role_here(request).may("spend"),
    )
    return page(request, "catalog/try.html", view, fragment=asked_part(request, "stop"))


@talking.post("/models/{model_id}/chat", name="models.chat")
async def chat(entered: TalkableModel, body: ChatForm, _seat: AnswerSeat) -> Response:
    ref = entered.thing.ref
    return _streamed(await asking.stream(ref.connection, ref.name, body))


@talking.post("/models/{model_id}/base-chat", name="models.base_chat")
async def base_chat(entered: TalkableModel, body: ChatForm, _seat: AnswerSeat) -> Response:
    model = entered.thing
    return _streamed(await asking.stream(model.ref.connection, model.base_model, body))


def _streamed(lines: AsyncIterator[bytes]) -> Response:
    return StreamingResponse(
        lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )
