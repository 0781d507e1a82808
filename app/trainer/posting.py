"""Sends one webhook, to addresses alone that the trainer may call."""

import asyncio
from collections.abc import Mapping

import httpx2

from app.core import addresses
from app.core.http import HttpOptions, UnsafeUrl, async_client
from app.trainer.errors import Refusal

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5.0, 10.0, 15.0


class Undelivered(Exception):
    """A receiver did not answer; the message says why."""


def check_receiver(url: str) -> None:
    """Refuse an address that is malformed, private without permission, or not https.

    Looks at the text alone; where a name leads is checked when it is called. Raises Refusal.
    """
    try:
        addresses.check_receiver(url)
    except UnsafeUrl as error:
        raise Refusal(f"Invalid 'url': {error}", param="url", code="invalid_url") from error


async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Send and return the status; redirects are not followed. Raises Undelivered.

    Every message has a client of its own: a receiver that hangs holds nobody else's connection.
    """
    options = HttpOptions(
        connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS, idle_connections=0
    )
    try:
        async with (
            asyncio.timeout(TOTAL_SECONDS),
            async_client(options) as client,
            client.stream("POST", url, content=body, headers=dict(headers)) as answer,
        ):
            return answer.status_code
    except TimeoutError as error:
        raise Undelivered(f"no answer within {TOTAL_SECONDS:.0f} seconds") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Undelivered(str(error) or type(error).__name__) from error
