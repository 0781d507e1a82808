"""Where providers deliver their webhooks."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.connections.hooks import receive as received
from app.core.errors import TooSlow

# Providers have no account here; the signature is the proof.
receiving = APIRouter()
READ_SECONDS = 10


async def whole_body(request: Request) -> bytes:
    """The bytes as they came, read before a thread or a session is held; the guards stop what grows
    past the limit. Raises TooSlow.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.body()
    except TimeoutError as error:
        raise TooSlow("The delivery did not arrive in time.") from error


@receiving.post("/hooks/{token}", name="hooks.receive")
def receive(request: Request, token: str, body: Annotated[bytes, Depends(whole_body)]) -> Response:
    return Response(status_code=received(token, request.headers.raw, body))
