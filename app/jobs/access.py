"""Load a job and check that the person may see it or act on it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.connections.access import asking_seat
from app.core.database import DbSession
from app.jobs import queries, queries_orders
from app.jobs.models import Job, Orphan
from app.projects.access import ordering_project, reach


@declares("view")
def viewable_job(request: Request, session: DbSession, user: CurrentUser, job_id: PathId) -> Job:
    """The job of the URL, for members of its project."""
    return reach(request, session, user, queries.job_by_id(session, job_id), "view")


@declares("edit")
def editable_job(request: Request, session: DbSession, user: CurrentUser, job_id: PathId) -> Job:
    """The job of the URL, for those who keep the project in order."""
    return reach(request, session, user, queries.job_by_id(session, job_id), "edit")


@declares("spend")
def spendable_job(request: Request, session: DbSession, user: CurrentUser, job_id: PathId) -> Job:
    """The job of the URL, for those who may start and stop what costs money."""
    return reach(request, session, user, queries.job_by_id(session, job_id), "spend")


@declares("spend")
def spendable_orphan(
    request: Request, session: DbSession, user: CurrentUser, orphan_id: PathId
) -> Orphan:
    """The run that no job has, of the URL, for those who may start and stop what costs money."""
    found = queries_orders.orphan_by_id(session, orphan_id)
    return reach(request, session, user, found, "spend")


CurrentJob = Annotated[Job, Depends(viewable_job)]
EditableJob = Annotated[Job, Depends(editable_job)]
SpendableJob = Annotated[Job, Depends(spendable_job)]
SpendableOrphan = Annotated[Orphan, Depends(spendable_orphan)]
FormSeat = Annotated[None, asking_seat(ordering_project)]
