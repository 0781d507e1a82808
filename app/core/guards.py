"""What stands before every request: the Host's name, where an unsafe request comes from, and the
headers of answers.
"""

import re
import time
import uuid
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import logs, measures
from app.core.api import METRICS
from app.core.database import SAFE_METHODS
from app.core.errors import TooLarge
from app.core.tus import VERSION
from app.settings import settings

log = structlog.get_logger("app.web")

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
# Where a body is a file; it is counted as it streams to disk.
UPLOADS = re.compile(r"/(upload|datasets|versions|uploads/[0-9]+)$")
FORM_BYTES, JSON_BYTES = 1_000_000, 16_000_000
# What a provider posts to a webhook's address, before anybody knows whether it is the provider.
HOOKS, HOOK_BYTES = "/hooks/", 65_536
# Loopback by any of its names and ports, and nothing behind the port.
OURS_AT_HOME = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}


class Guards:
    """Refuses foreign hosts and cross-site posts; gives every request an id and every answer its
    headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = _refusal(scope, headers)
        request_id = uuid.uuid4().hex[:16]
        begun_at = time.monotonic()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("Content-Security-Policy", CSP)
                answer["X-Request-Id"] = request_id
                if "tus-resumable" in headers:  # refusals speak the protocol too
                    answer["Tus-Resumable"] = VERSION
                if settings().is_https:
                    answer["Strict-Transport-Security"] = "max-age=31536000"
                if not scope["path"].startswith("/static/"):
                    answer.setdefault("Cache-Control", "no-store")
                _tell(scope, message["status"], time.monotonic() - begun_at)
            await send(message)

        limit = body_limit(scope["path"])
        with structlog.contextvars.bound_contextvars(request=request_id), logs.about(scope):
            if refusal is None:
                listen = receive if limit is None else _limited(receive, limit)
                await self.app(scope, listen, with_headers)
            else:
                status, words = refusal
                log.warning("request.refused", path=scope["path"], reason=words)
                await PlainTextResponse(words, status)(scope, receive, with_headers)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    """Count a request and write one line; one that took long to begin its answer is worth a look.

    An upload takes as long as its bytes.
    """
    measures.answered(scope, status, seconds)
    is_slow = seconds > settings().slow_request_seconds and body_limit(scope["path"]) is not None
    words = {"method": scope["method"], "path": scope["path"], "status": status}
    tell, event = (log.warning, "request.slow") if is_slow else (log.debug, "request.done")
    tell(event, **words, route=measures.route_of(scope), seconds=round(seconds, 3))


def _refusal(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    # Prometheus asks each process under an address of its own, with a token no browser sends.
    if scope["path"] != METRICS and not is_our_host(headers.getlist("host")):
        return (
            400,
            "Luthier does not serve this address. LUTHIER_PUBLIC_URL names the one people use.",
        )
    if headers.get("content-encoding", "identity").lower() != "identity":
        return 415, "Send it as it is: a compressed body is not taken."
    return _too_large(scope, headers) or _foreign(scope, headers)


def _too_large(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    limit, length = body_limit(scope["path"]), headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        return 400, "The Content-Length is not a number."
    if limit is not None and int(length[:20]) > limit:
        return 413, f"More than {limit:,} bytes; nothing was kept."
    return None


def _foreign(scope: Scope, headers: Headers) -> tuple[int, str] | None:
    if scope["method"] in SAFE_METHODS or scope["path"].startswith("/api/"):
        return None  # the API takes bearer tokens alone, which no browser sends by itself
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return 403, "This request comes from another site."
    origin = headers.get("origin")
    if origin is not None and not _is_ours(origin, headers["host"]):
        return 403, "This request comes from another site."
    return None


def _is_ours(origin: str, host: str) -> bool:
    """Whether a page of this origin is one of ours; on the public address its scheme counts too."""
    public = settings().base_url.lower()
    if host.lower() == urlsplit(public).netloc:
        return origin.lower() == public
    return origin in {f"http://{host}", f"https://{host}"}


def body_limit(path: str) -> int | None:
    """How many bytes a request may have; None where an upload counts for itself."""
    if path.startswith(HOOKS):
        return HOOK_BYTES
    if UPLOADS.search(path):
        return None
    return JSON_BYTES if path.startswith("/api/") else FORM_BYTES


def _limited(receive: Receive, limit: int) -> Receive:
    """Stop listening to a body that grows past the limit, whatever its header promised."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge(f"More than {limit:,} bytes; nothing was kept.")
        return message

    return counted


def is_our_host(named: list[str]) -> bool:
    """True when the request names exactly one host, and it is ours: the public one, or loopback."""
    if len(named) != 1:
        return False
    host = named[0].lower()
    public = urlsplit(settings().base_url)
    if host == public.netloc.lower():
        return True
    return OURS_AT_HOME.fullmatch(host) is not None
