"""The pages of the instance's owner about the instance itself."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import InstanceOwner, csrf_checked
from app.core import clock
from app.core.database import DbSession
from app.core.pages import page, redirect
from app.projects.access import outside
from app.settings import settings
from app.upkeep import queries, service, views

router = APIRouter(dependencies=[Depends(csrf_checked), Depends(outside)])


@router.post("/instance/allow-starts", name="instance.allow_starts")
def allow_starts(request: Request, session: DbSession, user: InstanceOwner) -> Response:
    service.allow_starts(session, actor_id=user.id)
    return redirect(request, "dashboard.front", toast="Jobs start here again.")


@router.get("/storage", name="storage.index")
def index(request: Request, session: DbSession, _user: InstanceOwner) -> Response:
    row = queries.housekeeping(session)
    view = views.storage_view(row, clock.now(session), settings().disk_reserve)
    fragment = "room" if request.headers.get("hx-request") else None
    return page(request, "upkeep/storage.html", view, fragment=fragment)


@router.post("/storage/measure", name="storage.measure")
def measure(request: Request, session: DbSession, user: InstanceOwner) -> Response:
    service.ask(session, is_pruning=False, actor_id=user.id)
    return redirect(request, "storage.index")


@router.post("/storage/prune", name="storage.prune")
def prune(request: Request, session: DbSession, user: InstanceOwner) -> Response:
    service.ask(session, is_pruning=True, actor_id=user.id)
    return redirect(request, "storage.index")
