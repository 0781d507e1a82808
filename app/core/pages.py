"""Rendering: one typed `view` a template, a fragment is a block of its page, times and numbers by
filter.
"""

import math
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from jinja2_fragments import render_block
from markupsafe import Markup, escape

from app.core import toasts
from app.settings import ROOT

KILO = 1000
MINUTE, HOUR, DAY = 60, 3600, 86400

# Makes a path of a route's name and its parameters: path_for, bound to a request.
Link = Callable[..., str]


def page(
    request: Request,
    template: str,
    view: object,
    *,
    fragment: str | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> HTMLResponse:
    """The whole page, or the block named `fragment` of it: the same lines either way.

    A whole page also says what was kept for it, and that once.
    """
    is_part = fragment is not None or request.headers.get("hx-request") == "true"
    toast = "" if is_part else toasts.take(request)
    context = {
        "request": request,
        "view": view,
        "shell": getattr(request.state, "shell", None),
        "csrf": getattr(request.state, "csrf", ""),
        "toast": toast,
    }
    if fragment is None:
        html = templates().get_template(template).render(context)
    else:
        html = render_block(templates(), template, fragment, context)
    answer = HTMLResponse(html, status, headers={"Vary": "HX-Request", **(headers or {})})
    if toast:
        toasts.forget(answer)
    return answer


def asked_part(request: Request, name: str) -> str | None:
    """The block a live page asks for again, or None for somebody who opens the whole page."""
    return name if request.headers.get("hx-request") == "true" else None


def redirect(
    request: Request,
    route: str,
    *,
    query: dict[str, Any] | None = None,
    toast: str = "",
    **parameters: Any,
) -> Response:
    """Go to a route by name: 303 for a browser, `HX-Redirect` for htmx, which would swap the target
    page in. The page there says `toast`: what was done, where that may be missed.
    """
    answer = redirect_to(request, path_for(request, route, query=query, **parameters))
    if toast:
        toasts.keep(answer, toast)
    return answer


def redirect_to(request: Request, path: str) -> Response:
    """Go to a path of this site; anything that could leave it becomes the front page."""
    target = path if is_local_path(path) else "/"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)


def is_local_path(path: str) -> bool:
    r"""True for `/a/b?c`, false for `//host`, `/\host`, full addresses, control characters."""
    return (
        path.startswith("/")
        and not path.startswith(("//", "/\\"))
        and path.isprintable()
        and "\\" not in path
    )


def path_for(
    request: Request, route: str, *, query: dict[str, Any] | None = None, **parameters: Any
) -> str:
    """The path of a route by name, with a query string where there is one."""
    if route == "static" or all(isinstance(value, int) for value in parameters.values()):
        path = _pattern(request.app, route, tuple(parameters)).format_map(parameters)
    else:
        path = str(request.app.url_path_for(route, **parameters))
    asked = {key: value for key, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(asked)}" if asked else path


@lru_cache(maxsize=1024)
def _pattern(app: FastAPI, route: str, names: tuple[str, ...]) -> str:
    """A route's path with the names of its parameters in braces.

    Kept, since the framework asks every route whether it is the one: 0.2 ms for each link.
    """
    return str(app.url_path_for(route, **{name: f"{{{name}}}" for name in names}))


@lru_cache
def templates() -> Environment:
    """The environment: everything escaped, a missing name is an error."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["url_for"] = _url_for
    environment.filters.update(
        number=number,
        bytes=size,
        duration=duration,
        when=when,
        loss=loss,
        percent=percent,
        money=money,
        short_hash=short_hash,
    )
    return environment


@pass_context
def _url_for(context: Context, route: str, **parameters: Any) -> str:
    return path_for(context["request"], route, query=parameters.pop("query", None), **parameters)


def number(value: float | None) -> str:
    """1234567 → 1,234,567; what is not known is said to be so."""
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if isinstance(value, int) or value == int(value) else f"{value:,}"


def size(value: int | None) -> str:
    """Bytes in powers of a thousand: 2.9 MB."""
    if value is None:
        return "unknown"
    if value < KILO:
        return f"{value} bytes" if value != 1 else "1 byte"
    amount = float(value)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= KILO
        if amount < KILO:
            return f"{amount:.1f} {unit}" if amount < 100 else f"{amount:.0f} {unit}"  # noqa: PLR2004
    return f"{amount / KILO:.1f} PB"


def duration(seconds: float | None) -> str:
    """Seconds as a person says them: 40 s, 6 min, 1 h 20 min, 3 days."""
    if seconds is None:
        return "unknown"
    whole = max(0, math.ceil(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{round(whole / MINUTE)} min"
    if whole < DAY:
        hours, rest = divmod(round(whole / MINUTE), 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days = round(whole / DAY)
    return f"{days} days" if days != 1 else "1 day"


def when(moment: datetime | None, style: str = "datetime") -> Markup:
    """A <time> with UTC inside; a script shows it in the reader's zone. `style`: datetime, date,
    time or ago.
    """
    if moment is None:
        return Markup("never")
    shown = {"date": "%-d %B %Y", "time": "%H:%M:%S"}.get(style, "%-d %B %Y, %H:%M UTC")
    return Markup('<time datetime="{}" data-when="{}">{}</time>').format(
        moment.isoformat(timespec="milliseconds"), escape(style), moment.strftime(shown)
    )


def loss(value: float | None) -> str:
    """A loss with three significant digits; a very small one with two, and never as 0."""
    if value is None:
        return "none yet"
    size = abs(value)
    if 1e-6 <= size < 0.01:  # noqa: PLR2004
        return f"{value:.{1 - math.floor(math.log10(size))}f}"
    return f"{value:.3f}" if size == 0 or 0.01 <= size < 10 else f"{value:.3g}"  # noqa: PLR2004


def percent(share: float | None) -> str:
    """0.9213 → 92.1 %."""
    return "none yet" if share is None else f"{share * 100:.1f} %"


def money(amount: float | None, currency: str = "USD") -> str:
    """$10.40; cents of a cent are shown where the sum is smaller than one; unknown is never 0."""
    if amount is None:
        return "unknown"
    sign = "$" if currency == "USD" else f"{currency} "
    return f"{sign}{amount:,.2f}" if amount == 0 or amount >= 0.01 else f"{sign}{amount:.4f}"  # noqa: PLR2004


def short_hash(sha256: str) -> str:
    """4f1c…a09e: enough to compare by eye."""
    return f"{sha256[:4]}…{sha256[-4:]}"
