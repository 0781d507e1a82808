"""Load a run for a file made of it, and check that the person may see it."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import PathId, declares
from app.auth.models import User
from app.evaluations import queries
from app.evaluations.models import EvaluationRun
from app.projects.access import Entered, briefly, reach


@declares("view")
def streamed_run(request: Request, evaluation_run_id: PathId) -> Entered[EvaluationRun]:
    """The run of the URL for a file made of it: no session stays open while it is sent."""

    def load(session: Session, user: User) -> EvaluationRun:
        return reach(request, session, user, queries.run_by_id(session, evaluation_run_id), "view")

    return briefly(request, load)


StreamedRun = Annotated[Entered[EvaluationRun], Depends(streamed_run)]
