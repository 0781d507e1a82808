"""A project's notices as JSON."""

from fastapi import APIRouter, Request

from app.auth.access import CurrentUser
from app.core import clock
from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession
from app.core.keyset import page_of
from app.notices import queries
from app.notices.listing import NOTICES
from app.notices.views import NoticeResource, resource, rows
from app.projects.access import CurrentProject

router = APIRouter(prefix="/api/v1", tags=["notices"])


@router.get(
    "/projects/{project_id}/notices", name="api.notices.index", openapi_extra=NOTICES.openapi
)
def index(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: CurrentProject,
    limit: Limit = 50,
) -> Listing[NoticeResource]:
    """What the people of a project were told, the latest first unless asked otherwise: jobs that
    ended, what needs a decision, budgets, and each day on which something stops at 90, 60, 30, 14,
    7 and 1 days.
    """
    asked, today = NOTICES.read(request), clock.now(session).date()
    found = page_of(session, queries.ids_of_notices(project.id), asked, limit=limit)
    shown = rows(session, project.id, user.id, found.ids, today)
    return keyed(found, [resource(row) for row in shown])
