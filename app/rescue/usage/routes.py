"""The page about which tuned models are alive, and who calls them."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.core import clock
from app.core.database import DbSession
from app.core.pages import page
from app.projects.access import CurrentProject
from app.rescue.usage.views import usage_view

router = APIRouter()


@router.get("/projects/{project_id}/rescued-usage", name="rescued_usage.show")
def show(request: Request, session: DbSession, project: CurrentProject) -> Response:
    view = usage_view(session, project.id, clock.now(session).date())
    return page(request, "rescue/usage.html", view)
