"""Announces ended runs and delivers what is due, whatever the receivers do."""

import asyncio
import logging
import random
import time

from app.core.signing import signed_headers
from app.settings import settings
from app.trainer.outbox import End, Letter, Outbox
from app.trainer.posting import Undelivered, post
from app.trainer.runs import Runs
from app.trainer.webhooks import Endpoint

FIRST_WAIT_SECONDS, WAIT_GROWTH, LONGEST_WAIT_SECONDS = 5.0, 3, 6 * 3600.0
MOST_GROWTHS = 10
GIVE_UP_SECONDS = 72 * 3600.0
TROUBLE_SECONDS = 30.0
LOG = logging.getLogger(__name__)


class Courier:
    """Lives on the event loop; what may wait does so in a thread or on a socket.

    One letter at a time goes to each endpoint, so a receiver that hangs holds up only its own.
    """

    def __init__(self, outbox: Outbox, runs: Runs) -> None:
        self._outbox = outbox
        self._runs = runs
        self._busy: set[str] = set()
        self._has_news = True
        self._nudge = asyncio.Event()

    def run_ended(self) -> None:
        """Some run has ended: look which."""
        self._has_news = True
        self._nudge.set()

    def endpoint_changed(self) -> None:
        """What waits for an endpoint may be due now."""
        self._nudge.set()

    async def work(self) -> None:
        """Announce and deliver until cancelled; what was on its way then is sent again later."""
        async with asyncio.TaskGroup() as deliveries:
            while True:
                self._nudge.clear()
                try:
                    pause = await self._look(deliveries)
                except Exception:
                    LOG.exception("webhooks could not be looked after")
                    pause = TROUBLE_SECONDS
                try:
                    await asyncio.wait_for(self._nudge.wait(), pause)
                except TimeoutError:
                    continue

    async def _look(self, deliveries: asyncio.TaskGroup) -> float | None:
        """Do what is due; seconds until more is, or None when nothing waits."""
        if self._has_news:
            # Cleared before looking: what ends meanwhile is news again.
            self._has_news = False
            try:
                await asyncio.to_thread(self._announce)
            except Exception:
                self._has_news = True
                raise
        for letter in await asyncio.to_thread(self._outbox.due, time.time(), besides=self._busy):
            self._busy.add(letter.endpoint.id)
            deliveries.create_task(self._deliver(letter))
        due_at = await asyncio.to_thread(self._outbox.next_due, besides=self._busy)
        return None if due_at is None else max(0.0, due_at - time.time())

    def _announce(self) -> None:
        """Every ended run without an event gets one; so none is missed, whoever died when."""
        announced = self._outbox.announced()
        unannounced = [run for run in self._runs.newest_first() if run.id not in announced]
        states = [(run.id, self._runs.state(run)) for run in unannounced]
        self._outbox.announce(
            [
                End(run_id, f"fine_tuning.job.{state.status}", state.finished_at or 0)
                for run_id, state in states
                if state.is_ended
            ]
        )

    async def _deliver(self, letter: Letter) -> None:
        try:
            problem = await _problem(letter)
            if problem is None:
                await asyncio.to_thread(self._outbox.done, letter)
            else:
                await self._put_back(letter, problem)
        except Exception:
            LOG.exception("the webhook %s could not be looked after", letter.id)
            await asyncio.sleep(TROUBLE_SECONDS)
        finally:
            self._busy.discard(letter.endpoint.id)
            self._nudge.set()

    async def _put_back(self, letter: Letter, problem: str) -> None:
        wait = settings().wait
        now, pause = time.time(), wait(pause_after(letter.attempts))
        told = (letter.id, letter.endpoint.id, problem)
        if now + pause > letter.since + wait(GIVE_UP_SECONDS):
            LOG.error("the webhook %s to %s is given up after 72 hours: %s", *told)
            await asyncio.to_thread(self._outbox.done, letter)
        else:
            LOG.warning("the webhook %s to %s will be sent again: %s", *told)
            await asyncio.to_thread(self._outbox.again, letter, now + pause)


def pause_after(attempts: int) -> float:
    """Seconds to wait after a failure and so many before it: 5, then three times as long each, up
    to 6 hours; spread by a tenth, so that a receiver that comes back does not meet all at once.
    """
    growth: int = WAIT_GROWTH ** min(attempts, MOST_GROWTHS)
    spread = random.uniform(0.9, 1.1)  # noqa: S311 - no secret
    return min(FIRST_WAIT_SECONDS * growth, LONGEST_WAIT_SECONDS) * spread


async def _problem(letter: Letter) -> str | None:
    try:
        status = await send(letter.endpoint, letter.id, letter.body)
    except Undelivered as error:
        return str(error)
    return None if 200 <= status < 300 else f"it answered {status}"  # noqa: PLR2004 - HTTP's 2xx


async def send(endpoint: Endpoint, webhook_id: str, body: bytes) -> int:
    """Send a message once, signed now, and return the receiver's status. Raises Undelivered."""
    now = time.time()
    headers = signed_headers(
        webhook_id, body, endpoint.secrets_at(now), now, sender="luthier-trainer"
    )
    return await post(endpoint.url, headers, body)
