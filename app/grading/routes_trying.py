"""Trying a grader on rows of a dataset: one of the library, or one that is still in its form."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.core.database import read_only
from app.core.errors import WrongInput
from app.core.forms import form_values
from app.core.pages import page
from app.core.views import FormState
from app.graders.base import Grader
from app.grading import service, views
from app.grading.access import DraftSeat, GraderSeat, TriedGrader, TryingProject
from app.grading.drafting import around_form, as_json, typed_in
from app.grading.forms import TryAddress, TryPageForm
from app.grading.opening import opened, planned, trial
from app.grading.trying import tried
from app.grading.verdicts import tried_view

# These look at the token themselves: no session stays open while answers are graded.
trying = APIRouter()


@trying.get("/graders/{grader_id}/try", name="graders.try")
def try_saved(
    request: Request,
    entered: TriedGrader,
    _seat: GraderSeat,
    version: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    found = opened(entered.thing, version)
    asked = request.query_params
    if found.read.judges:
        return found.page(request, *planned(found, asked, {}, TryAddress))
    look = _looking(found.grader.project_id, found.read)
    return found.page(request, *trial(found.choices, asked, TryAddress, look))


@trying.post("/projects/{project_id}/graders/try", name="graders.try_draft")
def try_draft(
    request: Request,
    entered: TryingProject,
    _seat: DraftSeat,
    values: Annotated[dict[str, str], Depends(form_values)],
) -> Response:
    project_id = entered.thing.id
    with read_only() as session:
        came = typed_in(session, project_id, values)
        around = around_form(session, project_id)
    try:
        read = service.understood(as_json(came))
    except WrongInput as error:
        came = came.refused(error)
        words = " ".join(f"{name}: {said}" if name else said for name, said in came.errors.items())
        wrong = {"": f"The grader is not right yet. {words}"}
        tried_now, status = views.TryView(around.choices, FormState(values, wrong)), error.status
    else:
        look = _looking(project_id, read)
        tried_now, status = trial(around.choices, values, TryPageForm, look)
    view = views.form_view(project_id, came, around, tried_now)
    return page(request, "graders/form.html", view, fragment="trying", status=status)


def _looking(project_id: int, grader: Grader) -> Callable[[TryPageForm], Mapping[str, Any]]:
    def look(form: TryPageForm) -> Mapping[str, Any]:
        return {"tried": tried_view(grader, tried(project_id, grader, form, form.given))}

    return look
