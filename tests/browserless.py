"""A browser without a screen: Starlette's test client, with one change of threads a request."""

from typing import Any

import httpx2
from starlette.testclient import TestClient

WHOLE = {"whole": True}


class Browserless(TestClient):
    """Answers that are asked for whole are made in one go on the program's loop: the test client
    changes threads seven times a request, which was half the time of the suite. Streams are its.
    """

    def __init__(self, app: Any) -> None:
        super().__init__(app, base_url="http://127.0.0.1:8000", follow_redirects=False)
        self._transport = _AtOnce(self, self._transport)

    def request(self, *args: Any, **words: Any) -> httpx2.Response:
        return super().request(*args, **{**words, "extensions": WHOLE})


class _AtOnce(httpx2.BaseTransport):
    def __init__(self, client: Browserless, streamed: httpx2.BaseTransport) -> None:
        self._client, self._streamed = client, streamed
        self._made = httpx2.ASGITransport(client.app, client=("testclient", 50000))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._client.portal is None or not request.extensions.get("whole"):
            return self._streamed.handle_request(request)
        request.read()
        return self._client.portal.call(self._make, request)

    async def _make(self, request: httpx2.Request) -> httpx2.Response:
        made = await self._made.handle_async_request(request)
        body = httpx2.ByteStream(b"".join([part async for part in made.stream]))
        return httpx2.Response(made.status_code, headers=made.headers, stream=body)

    def close(self) -> None:
        self._streamed.close()
