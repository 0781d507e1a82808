"""The calendar of a project: what stops, and when."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.catalog.calendar_list import CALENDAR, is_past, matching, page_of_rows, split_at
from app.catalog.calendar_views import calendar_view
from app.catalog.recorded import recordings
from app.catalog.stopping import calendar
from app.catalog.strip import strip
from app.connections.queries import connection_names
from app.core import clock
from app.core.database import DbSession
from app.core.list_views import list_view
from app.core.pages import asked_part, page
from app.projects.access import CurrentProject, role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])

PAGE = 50


@router.get("/projects/{project_id}/calendar", name="calendar.index")
def index(
    request: Request, session: DbSession, user: CurrentUser, project: CurrentProject
) -> Response:
    asked, part, today = CALENDAR.read(request), asked_part(request, "rows"), clock.now(session)
    known = calendar(session, project.id)
    coming, gone = split_at(known.stops, today.date())
    rows = matching(gone if is_past(asked) else coming, asked)
    found, place = page_of_rows(rows, asked, limit=PAGE)
    shown = set(found.ids)
    names = connection_names(session, project.id)
    options = {"connection": [(str(one), name) for one, name in names]}
    view = calendar_view(
        project.id,
        [stop for number, stop in rows if number in shown],
        coming,
        known.undated,
        dates=known.dates,
        recordings=recordings(session, project.id),
        today=today.date(),
        strip=None if part else strip(known, today.date()),
        list=list_view(request, asked, found, place, options=options),
        past=len(gone),
        is_past=is_past(asked),
        can_change=user.is_instance_owner,
        can_spend=role_here(request).may("spend"),
    )
    return page(request, "catalog/calendar.html", view, fragment=part)
