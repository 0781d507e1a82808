"""The pages of the instance's owner about the instance itself."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import InstanceOwner, csrf_checked
from app.core.database import DbSession
from app.core.pages import redirect
from app.projects.access import outside
from app.upkeep import service

router = APIRouter(dependencies=[Depends(csrf_checked), Depends(outside)])


@router.post("/instance/allow-starts", name="instance.allow_starts")
def allow_starts(request: Request, session: DbSession, user: InstanceOwner) -> Response:
    service.allow_starts(session, actor_id=user.id)
    return redirect(request, "dashboard.front")
