"""The press that makes a rescued eval an evaluation here."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import PathId, declares, sent_token
from app.core.database import read_only, unit_of_work
from app.core.pages import redirect
from app.projects.access import Entered, briefly, reach, seat_for
from app.rescue.evals import importing, queries
from app.rescue.models import Kind, RescuedObject

router = APIRouter()
api = APIRouter(prefix="/api/v1", tags=["rescues"])


@declares("edit")
def importing_eval(
    request: Request, sent: Annotated[str | None, Depends(sent_token)], rescued_eval_id: PathId
) -> Entered[RescuedObject]:
    """The rescued eval of the URL, to be read whole: no session stays open meanwhile."""
    return briefly(
        request,
        lambda session, user: reach(
            request,
            session,
            user,
            queries.object_of_kind(session, rescued_eval_id, Kind.EVAL),
            "edit",
        ),
        sent,
    )


ImportedEval = Annotated[Entered[RescuedObject], Depends(importing_eval)]
Seat = Annotated[None, seat_for(importing_eval, among="import_seats")]


@router.post("/rescued-evals/{rescued_eval_id}/import", name="rescued_evals.import")
def import_(request: Request, entered: ImportedEval, _seat: Seat) -> Response:
    made = _imported(entered)
    return redirect(request, "evaluations.imported", evaluation_id=made)


@api.post(
    "/rescued-evals/{rescued_eval_id}/import", name="api.rescued_evals.import", status_code=201
)
def import_by_script(entered: ImportedEval, _seat: Seat) -> dict[str, int]:
    """Make it an evaluation here: its criteria become graders, its items cases, and each run's
    answers a contestant. `evaluation_id` is the evaluation.
    """
    return {"evaluation_id": _imported(entered)}


def _imported(entered: Entered[RescuedObject]) -> int:
    with read_only() as session:
        runs = importing.read(session, entered.thing)
    found = importing.imported(entered.thing, runs)
    with unit_of_work() as session:
        made = importing.keep_imported(session, entered.thing, found, actor_id=entered.user.id)
        return made.id
