"""Trying a grader on rows of a dataset: one of the library, or one that is still in its form."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.core.database import read_only
from app.core.errors import Conflict, NotFound, WrongInput
from app.core.forms import form_values, validated
from app.core.pages import asked_part, page
from app.core.views import FormState
from app.graders.base import Grader
from app.graders.reading import read_grader
from app.grading import queries, service, views
from app.grading.access import DraftSeat, GraderSeat, TriedGrader, TryingProject
from app.grading.drafting import as_json, typed_in
from app.grading.forms import TryAddress, TryPageForm
from app.grading.trying import tried
from app.grading.verdicts import tried_view
from app.projects.access import role_here

# These look at the token themselves: no session stays open while answers are graded.
trying = APIRouter()


@trying.get("/graders/{grader_id}/try", name="graders.try")
def try_saved(
    request: Request,
    entered: TriedGrader,
    _seat: GraderSeat,
    version: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    grader = entered.thing
    with read_only() as session:
        found = queries.version_of(session, grader, version)
        versions = queries.versions_of(session, grader.id)
        choices = queries.versions_to_try(session, grader.project_id)
    if found is None:
        raise NotFound
    read = read_grader(found.settings)
    asked = request.query_params
    trial, status = _trial(grader.project_id, read, asked, choices, TryAddress)
    view = views.show(grader, found, read, versions, trial, can_edit=role_here(request).may("edit"))
    part = asked_part(request, "trying")
    return page(request, "graders/show.html", view, fragment=part, status=status)


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
        library = queries.newest_versions(session, project_id)
        choices = queries.versions_to_try(session, project_id)
    try:
        read = service.understood(as_json(came))
    except WrongInput as error:
        came = came.refused(error)
        words = " ".join(f"{name}: {said}" if name else said for name, said in came.errors.items())
        wrong = {"": f"The grader is not right yet. {words}"}
        trial, status = views.TryView(choices, FormState(values, wrong)), error.status
    else:
        trial, status = _trial(project_id, read, values, choices, TryPageForm)
    view = views.form_view(project_id, came, library, trial)
    return page(request, "graders/form.html", view, fragment="trying", status=status)


def _trial(
    project_id: int,
    grader: Grader,
    values: Mapping[str, str],
    choices: Sequence[tuple[int, str]],
    kind: type[TryPageForm],
) -> tuple[views.TryView, int]:
    """What came of it, or what is wrong, and the status that says so."""
    given = {name: value for name in kind.model_fields if (value := values.get(name, "").strip())}
    shown = {"rows": "50", "field": "answer", **given}
    try:
        form = validated(kind, given)
        found = tried_view(grader, tried(project_id, grader, form, form.given))
    except (WrongInput, Conflict) as error:
        errors = {item.field: item.message for item in error.errors} or {"": error.message}
        return views.TryView(choices, FormState(shown, errors)), error.status
    return views.TryView(choices, FormState(shown), found), 200
