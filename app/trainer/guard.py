"""Around everything: who may ask, the headers of every answer, one log line and one count each."""

import itertools
import secrets
import time
from http import HTTPStatus

import msgspec
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.trainer import measures
from app.trainer.errors import Refusal, surprise
from app.trainer.keys import Keyring

MARK = "x-luthier-trainer"
OPEN_PATHS = frozenset({"/healthz"})
READS = frozenset({"GET", "HEAD"})
SHOWN_LETTERS = 4

# An id names a request in the log; it opens nothing, and need not be unguessable.
_PROCESS, _NUMBERS = secrets.token_hex(8), itertools.count()

log = structlog.get_logger(__name__)


class Guard:
    """ASGI around the application."""

    def __init__(self, app: ASGIApp, keyring: Keyring) -> None:
        self._app = app
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse without a key, else pass on. A surprise is logged, and answered where it can."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        # Each request has a task, and so a context, of its own: nobody need unbind this.
        structlog.contextvars.bind_contextvars(request=answer.request_id)
        try:
            key = _bearer(scope)
            caller = self._keyring.owner(key) if key else None
            if caller is not None:
                structlog.contextvars.bind_contextvars(caller=caller)
            elif scope["path"] not in OPEN_PATHS:
                await _refuse(answer.send, _stranger(key))
                return
            await self._app(scope, receive, answer.send)
        except Exception:
            log.exception("request.failed", method=scope["method"], path=scope["path"])
            if not answer.status:
                await _refuse(answer.send, surprise())
        finally:
            answer.tell(scope)


class _Answer:
    """One answer on its way: marked, timed, told."""

    def __init__(self, send: Send) -> None:
        self.request_id = f"req_{_PROCESS}{next(_NUMBERS):016x}"
        self.status = 0
        self._send = send
        self._begun_at = time.perf_counter()
        self._seconds = 0.0

    async def send(self, message: Message) -> None:
        """Pass on; the first message gets OpenAI's headers and our mark."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._seconds = time.perf_counter() - self._begun_at
            ours = {
                MARK: "1",
                "x-request-id": self.request_id,
                "openai-processing-ms": str(round(self._seconds * 1000)),
            }
            own = [(name.encode(), value.encode()) for name, value in ours.items()]
            message["headers"] = [*message.get("headers", ()), *own]
        await self._send(message)

    def tell(self, scope: Scope) -> None:
        """Count it and write a line: reading is told when it is refused, or at level DEBUG."""
        measures.answered(scope, self.status, self._seconds)
        is_refused = self.status >= HTTPStatus.BAD_REQUEST
        is_told = is_refused or scope["method"] not in READS
        ids = {name.removesuffix("_id"): value for name, value in _path_ids(scope).items()}
        (log.info if is_told else log.debug)(
            "request.refused" if is_refused else "request.done",
            method=scope["method"],
            path=scope["path"],
            status=self.status,
            seconds=round(time.perf_counter() - self._begun_at, 3),
            **ids,
        )


def _path_ids(scope: Scope) -> dict[str, str]:
    path: dict[str, str] = scope.get("path_params", {})
    return path


def _bearer(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, key = value.decode("utf-8", "surrogateescape").partition(" ")
            return key.strip() if scheme.lower() == "bearer" else ""
    return ""


def _stranger(key: str) -> Refusal:
    """OpenAI's words for no key and for a wrong one, of which only the ends are shown."""
    where = "Whoever runs this trainer makes keys: `python -m app trainer-key create NAME`."
    if not key:
        message = (
            "You didn't provide an API key. You need to provide your API key in an Authorization"
            f" header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). {where}"
        )
        return Refusal(message, status=401)
    message = f"Incorrect API key provided: {_masked(key)}. {where}"
    return Refusal(message, status=401, code="invalid_api_key")


def _masked(key: str) -> str:
    if len(key) < 6 * SHOWN_LETTERS or not key.isascii():
        return "*" * len(key)
    return f"{key[:SHOWN_LETTERS]}****{key[-SHOWN_LETTERS:]}"


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = msgspec.json.encode(refusal.body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
