"""The API's description, for scripts and for people."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.core.pages import page
from app.dashboard.reference import reference
from app.projects.access import shell_if_signed_in
from app.settings import settings

router = APIRouter()


@router.get("/api/openapi.json", name="docs.openapi")
def openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())


@router.get("/api/docs", name="docs.page")
def docs(request: Request) -> Response:
    shell_if_signed_in(request)
    view = reference(request.app.openapi(), settings().base_url)
    return page(request, "dashboard/docs.html", view)
