"""The catalogue's dates as JSON with the owner's changes, and the calendar of a project."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.auth.access import InstanceOwner, Myself
from app.catalog import owners, queries
from app.catalog.calendar_list import CALENDAR, is_past, matching, page_of_rows, split_at
from app.catalog.calendar_views import DeadlineResource, deadline_resource
from app.catalog.dates_views import DateResource, date_resources
from app.catalog.forms import DayBack, DayChange, NewDay, StruckDay
from app.catalog.recorded import recordings
from app.catalog.stopping import calendar
from app.core import clock
from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession
from app.projects.access import CurrentProject

router = APIRouter(prefix="/api/v1", tags=["dates"])


@router.get("/dates", name="api.dates.index")
def index(session: DbSession, _user: Myself) -> Listing[DateResource]:
    """What stops on which day, of every platform: the file's entries as the instance's owner has
    changed them, the first day first.
    """
    return Listing(data=date_resources(queries.owners_dates(session)), next=None)


@router.post("/dates", name="api.dates.add", status_code=201)
def add(session: DbSession, user: InstanceOwner, body: NewDay) -> DateResource:
    """Add a day the file does not have. For the instance's owner."""
    row = owners.add_day(session, user=user, form=body)
    return _shown(session, row.key)


@router.post("/dates/change", name="api.dates.change")
def change(session: DbSession, user: InstanceOwner, body: DayChange) -> DateResource:
    """Say another day for an entry; it counts before what the file and providers say. For the
    instance's owner.
    """
    owners.change_day(
        session, user=user, key=body.key, day=body.day, why=body.why, source_url=body.source_url
    )
    return _shown(session, body.key)


@router.post("/dates/strike", name="api.dates.strike", status_code=204)
def strike(session: DbSession, user: InstanceOwner, body: StruckDay) -> Response:
    """Strike out an entry that does not hold. For the instance's owner."""
    owners.strike_day(session, user=user, key=body.key, why=body.why)
    return Response(status_code=204)


@router.post("/dates/take-back", name="api.dates.take_back")
def take_back(session: DbSession, user: InstanceOwner, body: DayBack) -> DateResource:
    """Take a change back: the entry is as the file has it. 409 where nobody changed it. For the
    instance's owner.
    """
    owners.take_back(session, user=user, key=body.key)
    return _shown(session, body.key)


@router.get(
    "/projects/{project_id}/deadlines", name="api.deadlines.index", openapi_extra=CALENDAR.openapi
)
def deadlines(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[DeadlineResource]:
    """What of a project stops, the next first, each with who says so and what hangs on it."""
    asked, today = CALENDAR.read(request), clock.now(session).date()
    known, kept = calendar(session, project.id), recordings(session, project.id)
    coming, gone = split_at(known.stops, today)
    rows = matching(gone if is_past(asked) else coming, asked)
    found, _ = page_of_rows(rows, asked, limit=limit)
    shown = set(found.ids)
    return keyed(
        found,
        [
            deadline_resource(stop, known.dates, kept, today)
            for number, stop in rows
            if number in shown
        ],
    )


def _shown(session: DbSession, key: str) -> DateResource:
    found = date_resources(queries.owners_dates(session))
    return next(one for one in found if one.key == key)
