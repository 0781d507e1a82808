"""Around everything: who may ask, and the mark on every answer."""

import hmac
from collections.abc import Iterable

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.trainer.errors import Refusal
from app.trainer.files import random_name

MARK = "x-luthier-trainer"
OPEN_PATHS = frozenset({"/healthz"})


class Guard:
    """ASGI around the application."""

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        self._keys = [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse without a key, else pass on; every answer is marked."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{random_name(24)}"

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[MARK] = "1"
                headers["x-request-id"] = request_id
            await send(message)

        if scope["path"] in OPEN_PATHS or self._knows(
            Headers(scope=scope).get("authorization", "")
        ):
            await self._app(scope, receive, marked)
            return
        await _refuse(marked)

    def _knows(self, authorization: str) -> bool:
        scheme, _, key = authorization.partition(" ")
        given = key.strip().encode()
        # Every key is compared: the time taken says nothing about which one was nearly right.
        matches = [hmac.compare_digest(given, known) for known in self._keys]
        return scheme.lower() == "bearer" and any(matches)


async def _refuse(send: Send) -> None:
    refusal = Refusal("Incorrect API key provided.", status=401, code="invalid_api_key")
    body = msgspec.json.encode(refusal.body)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
