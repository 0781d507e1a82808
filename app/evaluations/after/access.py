"""Load what is asked for after a job, and check that the person may take it back."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.evaluations.after import queries
from app.evaluations.after.models import JobEvaluation
from app.projects.access import reach


@declares("spend")
def spendable_row(
    request: Request, session: DbSession, user: CurrentUser, job_evaluation_id: PathId
) -> JobEvaluation:
    """What is asked for after a job, for those who may take it back."""
    return reach(request, session, user, queries.by_id(session, job_evaluation_id), "spend")


AskedRow = Annotated[JobEvaluation, Depends(spendable_row)]
