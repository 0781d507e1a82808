"""How what went wrong is answered: as a page that shows a way on, or as problem details."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import structlog
from fastapi import Request
from fastapi.responses import Response

from app.auth import access
from app.core.api import is_for_scripts
from app.core.database import SAFE_METHODS
from app.core.errors import NotSignedIn, ProductError
from app.core.pages import is_local_path, page, redirect_to
from app.core.problems import TITLES, problem
from app.core.views import ErrorView
from app.projects.access import shell_if_signed_in

# From here on the fault is ours, and what draws the shell may be what is broken.
OURS = 500


def drawn(request: Request, error: ProductError) -> Response:
    """The answer for whoever asks: a script, somebody not signed in, or somebody at a page."""
    is_for_eyes = "application/json" not in request.headers.get("accept", "")
    if is_for_scripts(request.scope["path"]) or not is_for_eyes:
        return problem(error)
    if isinstance(error, NotSignedIn):
        return redirect_to(request, access.login_path(request))
    if error.status >= OURS:
        request.state.shell = None
    elif request.headers.get("hx-request") != "true":
        shell_if_signed_in(request)
    view = _view(request, error)
    return page(request, "error.html", view, status=error.status, headers=error.headers)


def _view(request: Request, error: ProductError) -> ErrorView:
    can_repeat = request.method in SAFE_METHODS
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    return ErrorView(
        status=error.status,
        title=TITLES.get(error.status, "That went wrong"),
        message=error.message,
        errors=error.errors,
        reference=structlog.contextvars.get_contextvars().get("request"),
        again_url=(f"{path}?{query}" if query else path) if can_repeat else "",
        plain_url=path if can_repeat and query else "",
        back_url=_page_before(request.headers, path),
    )


def _page_before(headers: Mapping[str, str], path: str) -> str:
    """The page of ours that led here, unless it is the one that cannot be drawn."""
    before = urlsplit(headers.get("referer", ""))
    target = f"{before.path}?{before.query}" if before.query else before.path
    is_ours = before.netloc == headers.get("host") and is_local_path(target)
    return target if is_ours and before.path != path else ""
