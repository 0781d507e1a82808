"""The pages about notices, and the calendar that other programs read."""

import hashlib
from datetime import timedelta

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, Myself, PathId, csrf_checked
from app.core import clock, secrets
from app.core.database import DbSession
from app.core.errors import NotFound
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for, redirect
from app.notices import entries, links, queries, service, views
from app.notices.ics import calendar_text
from app.notices.listing import NOTICES
from app.notices.occasions import occasions_of
from app.projects.access import CurrentProject, enter, role_here
from app.settings import settings

router = APIRouter(dependencies=[Depends(csrf_checked)])
# A calendar program has no cookie; the link is the proof.
linked = APIRouter()

PAGE = 50
# A calendar keeps what has stopped for as long as somebody may ask what happened.
KEPT = timedelta(days=365)


@router.get("/projects/{project_id}/notices", name="notices.index")
def index(
    request: Request, session: DbSession, user: CurrentUser, project: CurrentProject
) -> Response:
    asked, part = NOTICES.read(request), asked_part(request, "rows")
    fenced, today = queries.ids_of_notices(project.id), clock.now(session).date()
    found = page_of(session, fenced, asked, limit=PAGE)
    view = views.NoticesView(
        project_id=project.id,
        notices=views.rows(session, project.id, user.id, found.ids, today),
        list=list_view(request, asked, found, place_of(session, fenced, asked, found)),
        has_any=bool(found.ids) or queries.has_notices(session, project.id),
        unread=queries.count_unread(session, project.id, user.id, today),
        can_manage=role_here(request).may("manage"),
        distances=service.DISTANCES,
        topic=f"project:{project.id}",
    )
    return page(request, "notices/index.html", view, fragment=part)


@router.get("/projects/{project_id}/notices/count", name="notices.count")
def count(
    request: Request, session: DbSession, user: CurrentUser, project: CurrentProject
) -> Response:
    today = clock.now(session).date()
    view = views.CountView(queries.count_unread(session, project.id, user.id, today))
    return page(request, "notices/count.html", view)


@router.post("/projects/{project_id}/notices/read", name="notices.read_all")
def read_all(request: Request, session: DbSession, user: Myself, project_id: PathId) -> Response:
    enter(request, session, user, project_id, "view")
    service.mark_all_read(session, project_id=project_id, user_id=user.id)
    return redirect(request, "notices.index", project_id=project_id)


@router.post("/projects/{project_id}/notices/{notice_id}/read", name="notices.read")
def read(
    request: Request, session: DbSession, user: Myself, project_id: PathId, notice_id: PathId
) -> Response:
    enter(request, session, user, project_id, "view")
    service.mark_read(session, project_id=project_id, notice_id=notice_id, user_id=user.id)
    return redirect(request, "notices.index", project_id=project_id)


@router.get("/projects/{project_id}/calendar-link", name="notices.link")
def link(
    request: Request, session: DbSession, user: CurrentUser, project: CurrentProject
) -> Response:
    return _link(request, session, project.id, user.id)


@router.post("/projects/{project_id}/calendar-link", name="notices.make_link")
def make_link(request: Request, session: DbSession, user: Myself, project_id: PathId) -> Response:
    enter(request, session, user, project_id, "view")
    token = links.make_link(session, project_id=project_id, user_id=user.id)
    address = settings().base_url + path_for(request, "notices.calendar", token=token)
    return _link(request, session, project_id, user.id, address)


@router.post("/projects/{project_id}/calendar-link/revoke", name="notices.revoke_link")
def revoke_link(request: Request, session: DbSession, user: Myself, project_id: PathId) -> Response:
    enter(request, session, user, project_id, "view")
    links.revoke_link(session, project_id=project_id, user_id=user.id)
    return _link(request, session, project_id, user.id)


def _link(
    request: Request, session: Session, project_id: int, user_id: int, address: str = ""
) -> Response:
    view = views.link_view(project_id, queries.link_of(session, project_id, user_id), address)
    return page(request, "notices/link.html", view, fragment=asked_part(request, "link"))


@linked.get("/calendar/{token}.ics", name="notices.calendar")
def calendar(request: Request, session: DbSession, token: str) -> Response:
    link = queries.link_opened_by(session, secrets.fingerprint(token))
    if link is None:
        raise NotFound
    moment = clock.now(session)
    found = occasions_of(session, link.project_id, since=moment.date() - KEPT)
    known = queries.watched_dates(session, link.project_id)
    url = settings().base_url + path_for(request, "calendar.index", project_id=link.project_id)
    body = calendar_text(
        link.project.name,
        entries.entries(found, known, moment, project=link.project, url=url),
        service.DISTANCES,
    )
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=900"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="text/calendar; charset=utf-8", headers=headers)
