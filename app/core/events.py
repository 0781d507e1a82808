"""Nudges: "something about job 12 changed". Redis carries the name of the thing and never its
content.
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import redis
import redis.asyncio
import structlog
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy.orm import Session

from app.core import database
from app.core.measures import STREAMS
from app.settings import settings

log = structlog.get_logger(__name__)

CHANNEL = "luthier:nudges"
RETRY_SECONDS = 1.0
PUBLISH_SECONDS = 0.5
# A subscription is silent for as long as nothing happens: then it is asked whether it is there.
QUIET_SECONDS, REPLY_SECONDS = 10.0, 5.0


def announce(session: Session, *topics: str) -> None:
    """Tell open pages, after the commit, that these things changed: `job:12`, `version:3`,
    `project:1`.
    """
    for topic in topics:
        database.after_commit(session, functools.partial(nudge, topic))


def nudge(topic: str) -> None:
    """Publish now. A broker that is away is logged: pages also look by themselves."""
    if settings().redis_url_set is None:  # a command, and no instance runs: nobody listens
        return
    try:
        _client().publish(CHANNEL, topic)
    except redis.RedisError as error:
        log.warning("nudge.failed", topic=topic, error=str(error))


@functools.lru_cache
def _client() -> redis.Redis:
    """Tries again where the broker was restarted since; the library would try a silent one ten
    times.
    """
    return redis.Redis.from_url(
        settings().redis_url,
        socket_timeout=PUBLISH_SECONDS,
        socket_connect_timeout=PUBLISH_SECONDS,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


class Hub:
    """One Redis subscription a process, handed on to every open page of it."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Queue[str]]] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Hub"]:
        """Listen for as long as the application runs."""
        listener = asyncio.create_task(self._listen())
        try:
            yield self
        finally:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener

    @asynccontextmanager
    async def subscribed(self, topics: Iterable[str]) -> AsyncIterator[asyncio.Queue[str]]:
        """A queue that receives the names of those of `topics` that change. A slow reader loses
        repeats only.
        """
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
        wanted = set(topics)
        for topic in wanted:
            self._waiting.setdefault(topic, set()).add(queue)
        try:
            with STREAMS.track_inprogress():
                yield queue
        finally:
            for topic in wanted:
                self._waiting[topic].discard(queue)
                if not self._waiting[topic]:
                    del self._waiting[topic]

    def listeners(self, topic: str) -> int:
        """How many open pages of this process wait for the topic."""
        return len(self._waiting.get(topic, ()))

    def deliver(self, topic: str) -> None:
        """Put the name into every queue that waits for it; a full one already says "look again"."""
        for queue in self._waiting.get(topic, ()):
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(topic)

    async def _listen(self) -> None:
        while True:
            try:
                async with (
                    redis.asyncio.Redis.from_url(
                        settings().redis_url,
                        socket_timeout=REPLY_SECONDS,
                        socket_connect_timeout=REPLY_SECONDS,
                        # The library would subscribe anew and not say that something was missed.
                        retry=AsyncRetry(NoBackoff(), 0),
                    ) as client,
                    client.pubsub() as subscription,
                ):
                    await subscription.subscribe(CHANNEL)
                    # What was published while nobody listened is gone: everybody looks once.
                    for topic in list(self._waiting):
                        self.deliver(topic)
                    async for topic in _heard(subscription):
                        self.deliver(topic)
            except (redis.RedisError, OSError) as error:
                log.warning("nudges.lost", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)


async def _heard(subscription: PubSub) -> AsyncIterator[str]:
    """Every topic that is published. Raises redis.RedisError for a connection that is open at our
    end alone, which the system would tell in two hours.
    """
    is_asked = False
    while True:
        message = await subscription.get_message(
            timeout=REPLY_SECONDS if is_asked else QUIET_SECONDS
        )
        if message is not None:
            is_asked = False
            if message["type"] == "message":
                yield message["data"].decode()
        elif is_asked:
            raise redis.TimeoutError("The broker has fallen silent.")
        else:
            is_asked = True
            await subscription.ping()


def ping() -> None:
    """Ask the broker for a sign of life. Raises redis.RedisError when it gives none."""
    _client().ping()
