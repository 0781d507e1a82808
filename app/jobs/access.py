"""Load a job and check that the person may see it or act on it."""

from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId, declares
from app.auth.models import Access, User
from app.core.database import DbSession
from app.core.errors import NotFound
from app.jobs import queries
from app.jobs.models import Job
from app.projects.access import enter


@declares("view")
def viewable_job(request: Request, session: DbSession, user: CurrentUser, job_id: PathId) -> Job:
    """The job of the URL, for members of its project."""
    return _job(request, session, user, job_id, "view")


@declares("spend")
def spendable_job(request: Request, session: DbSession, user: CurrentUser, job_id: PathId) -> Job:
    """The job of the URL, for those who may start and stop what costs money."""
    return _job(request, session, user, job_id, "spend")


def _job(request: Request, session: Session, user: User, job_id: int, access: Access) -> Job:
    job = queries.job_by_id(session, job_id)
    if job is None:
        raise NotFound
    enter(request, session, user, job.project_id, access)
    return job


CurrentJob = Annotated[Job, Depends(viewable_job)]
SpendableJob = Annotated[Job, Depends(spendable_job)]
