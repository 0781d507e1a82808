"""Load a schedule, and check that the person may see it or steer it."""

from typing import Annotated

from fastapi import Depends, Request

from app.auth.access import CurrentUser, PathId, declares
from app.core.database import DbSession
from app.evaluations.drift import queries
from app.evaluations.drift.models import Schedule
from app.projects.access import reach


@declares("view")
def viewable_schedule(
    request: Request, session: DbSession, user: CurrentUser, schedule_id: PathId
) -> Schedule:
    """The schedule of the URL, for members of its project."""
    return reach(request, session, user, queries.schedule_by_id(session, schedule_id), "view")


@declares("spend")
def spendable_schedule(
    request: Request, session: DbSession, user: CurrentUser, schedule_id: PathId
) -> Schedule:
    """The schedule of the URL, for those who may start and stop what costs money."""
    return reach(request, session, user, queries.schedule_by_id(session, schedule_id), "spend")


CurrentSchedule = Annotated[Schedule, Depends(viewable_schedule)]
SpendableSchedule = Annotated[Schedule, Depends(spendable_schedule)]
