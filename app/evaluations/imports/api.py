"""Importing evaluations as JSON."""

from fastapi import APIRouter
from pydantic import BaseModel

from app.core.database import read_only
from app.core.errors import NotFound
from app.evaluations import queries
from app.evaluations.imports import service
from app.evaluations.imports.access import ImportingProject, ImportSeat
from app.evaluations.imports.forms import ImportForm
from app.evaluations.imports.views import told_of
from app.evaluations.resources import EvaluationResource, evaluation_resource

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


class ToldResource(BaseModel):
    """Something that did not carry over: where it stands, and why."""

    place: str
    words: str


class ImportedResource(BaseModel):
    """An evaluation that was imported, and what of it did not carry over."""

    what: str
    evaluation: EvaluationResource
    told: list[ToldResource]


@router.post(
    "/projects/{project_id}/evaluations/import", name="api.evaluations.import", status_code=201
)
def import_(entered: ImportingProject, _seat: ImportSeat, body: ImportForm) -> ImportedResource:
    """Take in promptfoo's configuration or results, or rows of OpenAI's Evals. Answers that they
    hold become the evaluation's first run.
    """
    made = service.take_in(
        project_id=entered.thing.id,
        actor_id=entered.user.id,
        content=body.content.encode(),
        how=body,
    )
    with read_only() as session:
        found = queries.evaluation_by_id(session, made)
        if found is None:
            raise NotFound
        return ImportedResource(
            what=found.source["what"],
            evaluation=evaluation_resource(found),
            told=[ToldResource(place=one.place, words=one.words) for one in told_of(found)],
        )
