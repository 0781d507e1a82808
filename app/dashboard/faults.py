"""What goes wrong in a request, expected or not, as the error that is drawn for whoever asked."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError, OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import queue, storage
from app.core.api import is_for_scripts
from app.core.database import has_no_room
from app.core.errors import (
    Conflict,
    DiskFull,
    FieldError,
    NotFound,
    ProductError,
    WrongInput,
)
from app.core.forms import explain
from app.core.pages import redirect
from app.dashboard.errors import drawn
from app.datasets.gone import IndexGone

log = structlog.get_logger(__name__)


def answer(app: FastAPI) -> None:
    """Have every fault of the application's routes answered in words."""
    app.add_middleware(Surprises)
    app.add_exception_handler(ProductError, _expected)
    app.add_exception_handler(IndexGone, _index_gone)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _database_away)
    app.add_exception_handler(IntegrityError, _at_the_same_moment)


def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProductError)  # noqa: S101 - registered for nothing else
    return drawn(request, error)


def _index_gone(request: Request, error: Exception) -> Response:
    """A page of the version goes to its report, which tells how the index is made anew."""
    assert isinstance(error, IndexGone)  # noqa: S101 - registered for nothing else
    queue.post("datasets.mend", error.version_id)
    is_whole = request.method == "GET" and request.headers.get("hx-request") != "true"
    is_page = is_whole and not is_for_scripts(request.scope["path"])
    if is_page and request.path_params.get("version_id") == str(error.version_id):
        return redirect(request, "datasets.show", version_id=error.version_id)
    return drawn(request, error)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | ValidationError)  # noqa: S101 - registered for nothing else
    if isinstance(error, ValidationError):
        return drawn(
            request,
            WrongInput("Some fields cannot be taken as they are.", errors=explain(error.errors())),
        )
    places = [item["loc"][0] for item in error.errors()]
    if "path" in places:
        return drawn(request, NotFound())
    found = [
        FieldError(item.field.partition(".")[2] or item.field, item.message)
        for item in explain(error.errors())
    ]
    return drawn(request, WrongInput("Some fields cannot be taken as they are.", errors=found))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    wrapped = NotFound() if error.status_code == 404 else ProductError(str(error.detail))  # noqa: PLR2004
    wrapped.status = error.status_code
    wrapped.headers = dict(error.headers or {})
    return drawn(request, wrapped)


def _database_away(request: Request, error: Exception) -> Response:
    if has_no_room(error):
        return _no_room(request, error)
    log.error("database.away", error=str(error).split("\n")[0])
    wrapped = ProductError(
        "The database does not answer just now. Try again in a moment.",
        headers={"Retry-After": "5"},
    )
    wrapped.status = 503
    return drawn(request, wrapped)


def _no_room(request: Request, error: Exception) -> Response:
    log.error("database.full", error=str(error).split("\n")[0])
    storage.drop_ballast()
    return drawn(
        request,
        DiskFull("The disk is full, and this was not kept. Free some space, then do it once more."),
    )


def _at_the_same_moment(request: Request, error: Exception) -> Response:
    log.warning("request.raced", error=str(error).split("\n")[0])
    return drawn(request, Conflict("Somebody did the same at the same moment. Try it again."))


class Surprises:
    """Draws what nobody expected, and writes it into the log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            log.exception("request.failed", path=scope.get("path"))
            if has_begun or scope["type"] != "http":
                raise
            await _surprise(Request(scope, receive))(scope, receive, send)


def _surprise(request: Request) -> Response:
    wrapped = ProductError(
        "Something broke on this server. It is written in its log; nothing you sent was half kept."
    )
    wrapped.status = 500
    return drawn(request, wrapped)
