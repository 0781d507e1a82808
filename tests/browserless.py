"""A browser without a screen: Starlette's test client, with one change of threads a request."""

from typing import Any

import httpx2
from starlette.testclient import TestClient

WHOLE = {"whole": True}


class Browserless(TestClient):
    """Answers that are asked for whole are made in one go on the program's loop: the test client
    changes threads seven times a request, which was half the time of the suite. Streams are its.
    """

    def __init__(self, app: Any, **words: Any) -> None:
        super().__init__(app, base_url="http://127.0.0.1:8000", follow_redirects=False, **words)
        self._made = httpx2.ASGITransport(
            app,
            raise_app_exceptions=words.get("raise_server_exceptions", True),
            client=("testclient", 50000),
        )
        self._streamed, self._transport = self._transport, self

    def request(self, *args: Any, **words: Any) -> httpx2.Response:
        return super().request(*args, **{**words, "extensions": WHOLE})

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.portal is None or not request.extensions.get("whole"):
            return self._streamed.handle_request(request)
        request.read()
        return self.portal.call(self._make, request)

    async def _make(self, request: httpx2.Request) -> httpx2.Response:
        made = await self._made.handle_async_request(request)
        body = b"".join([part async for part in made.stream])
        return httpx2.Response(
            made.status_code, headers=made.headers, stream=httpx2.ByteStream(body)
        )
