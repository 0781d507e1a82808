"""The home page, the live stream, the two health checks and the metrics."""

from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST

from app.auth import queries as people
from app.auth.access import CurrentUser, InstanceOwner, Myself
from app.core import measures
from app.core.database import DbSession
from app.core.errors import TooMany
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for, redirect
from app.dashboard import health, metrics, views
from app.dashboard.activity import ACTIVITY
from app.dashboard.activity import activity as in_words
from app.dashboard.home import home
from app.dashboard.jump import places
from app.dashboard.live import nudges, streams_of, visible_topics
from app.dashboard.projects import overview
from app.dashboard.tour import TourView, next_step
from app.jobs import queries as jobs
from app.projects import queries as projects
from app.projects.access import CurrentProject, outside, role_here
from app.rescue.pages.beginning import share_home
from app.settings import settings

router = APIRouter()

ACTIVITY_PAGE = 50


@router.get("/", name="dashboard.front")
def front(request: Request, session: DbSession, user: Myself) -> Response:
    memberships = projects.memberships_of(session, user.id)
    if not memberships:
        return redirect(request, "projects.new")
    newest = max(memberships, key=lambda one: one.created_at)
    return redirect(request, "dashboard.home", project_id=newest.project_id)


@router.get("/projects", name="projects.index", dependencies=[Depends(outside)])
def index(request: Request, session: DbSession, user: Myself) -> Response:
    return page(request, "dashboard/projects.html", overview(session, user))


@router.get("/projects/{project_id}", name="dashboard.home")
def show(
    request: Request, session: DbSession, user: CurrentUser, project: CurrentProject
) -> Response:
    view = home(
        session,
        project,
        partial(path_for, request),
        user=user,
        can_edit=role_here(request).may("edit"),
    )
    fragment = "home" if request.headers.get("hx-request") else None
    return page(request, "dashboard/home.html", view, fragment=fragment)


@router.get("/projects/{project_id}/activity", name="activity.index")
def activity(request: Request, session: DbSession, project: CurrentProject) -> Response:
    asked, part = ACTIVITY.read(request), asked_part(request, "rows")
    fenced = people.ids_of_activity(project.id)
    found = page_of(session, fenced, asked, limit=ACTIVITY_PAGE)
    members = [] if part else projects.members_of(session, project.id)
    listed = list_view(
        request,
        asked,
        found,
        place_of(session, fenced, asked, found),
        options={"by": [(str(one.user_id), one.user.name) for one in members]},
    )
    rows = people.activity_by_ids(session, found.ids)
    is_first = asked.after is None and asked.before is None
    view = in_words(project.id, rows, listed, partial(path_for, request), is_first=is_first)
    return page(request, "dashboard/activity.html", view, fragment=part)


@router.get("/projects/{project_id}/side", name="dashboard.side")
def side(request: Request, session: DbSession, project: CurrentProject) -> Response:
    view = views.SideView(
        project_id=project.id,
        running_jobs=jobs.count_unended(session, project.id),
        rescued=share_home(session, project.id),
        topic=f"project:{project.id}",
    )
    return page(request, "dashboard/side.html", view)


@router.get("/projects/{project_id}/tour", name="dashboard.tour")
def tour(request: Request, session: DbSession, project: CurrentProject) -> Response:
    step = next_step(session, project.id, partial(path_for, request))
    here = urlsplit(request.headers.get("hx-current-url", "")).path
    view = TourView(project.id, step, here == step.url, here)
    return page(request, "dashboard/tour.html", view)


@router.get("/jump", name="dashboard.jump")
def jump(
    request: Request,
    session: DbSession,
    user: Myself,
    q: Annotated[str, Query(max_length=100)] = "",
    project: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    view = places(session, user, q, project, partial(path_for, request))
    return page(request, "dashboard/jump.html", view)


@router.get("/live", name="live")
async def live(request: Request, topics: Annotated[list[str], Depends(visible_topics)]) -> Response:
    if streams_of(request) >= settings().streams_per_person:
        raise TooMany("Too many open pages listen. Close some.", headers={"Retry-After": "30"})
    return StreamingResponse(
        nudges(request, request.app.state.hub, topics),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


@router.get("/livez", name="livez")
def livez() -> Response:
    return JSONResponse({"status": "ok"})


@router.get("/healthz", name="healthz")
def healthz() -> Response:
    parts = health.parts()
    is_well = all(words == "ok" for words in parts.values())
    return JSONResponse(
        {
            "status": "ok" if is_well else "degraded",
            "parts": parts,
            "warnings": health.warnings(),
        },
        200 if is_well else 503,
    )


@router.get("/metrics", name="dashboard.metrics")
def show_metrics(session: DbSession, _user: InstanceOwner) -> Response:
    return Response(measures.text() + metrics.text(session), media_type=CONTENT_TYPE_LATEST)


@router.get("/favicon.ico", name="favicon")
def favicon() -> Response:
    return RedirectResponse("/static/img/mark.svg", 308)
