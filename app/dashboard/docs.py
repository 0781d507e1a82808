"""The API's description, for scripts and for people."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from app.core.pages import page

router = APIRouter()


@router.get("/api/openapi.json", name="docs.openapi")
def openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())


@router.get("/api/docs", name="docs.page")
def docs(request: Request) -> Response:
    return page(request, "dashboard/docs.html", None)
