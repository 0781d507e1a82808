"""How fast a provider lets us ask: found by asking faster until it says no, then kept below."""

import threading
import time
from collections import deque

from app.core.http import HeldBack
from app.settings import settings

FIRST, MOST = 20.0, 500.0  # requests a second
SHARE = 0.96  # of what was granted when it said no
AGAIN_SHARE, AGAIN_WITHIN = 0.93, 10.0
CREEP = 1.003  # a slice in which it never said no
PATIENCE = 2.0
FIRST_HOLD, LAST_HOLD = 1.0, 60.0
SLACK = 0.1  # what a late thread may catch up
SAME_NO = 0.5  # what was out already when the first no came says nothing new


class Pace:
    """A gate for the requests of many threads. It begins gently and doubles each second that was
    used to the full, until the first no; then it stays a little below what was granted, and creeps
    up slice by slice. A no holds everything for as long as the provider asks.

    `rate` is in requests a second; `limit` is where the last no came, None before any.
    """

    def __init__(self, rate: float | None = None, limit: float | None = None) -> None:
        self.rate, self.limit = rate or FIRST, limit
        if limit is not None:
            self.rate = min(self.rate * CREEP, MOST)
        self.held_until = 0.0
        self._lock = threading.Lock()
        self._next = self._second_at = self._no_at = 0.0
        self._asked = self._waited = self._noes = 0
        self._granted: deque[float] = deque()

    def __call__(self) -> None:
        """Wait for a turn. Raises HeldBack when the provider asked for more than a moment."""
        while True:
            with self._lock:
                now = time.monotonic()
                if self.held_until - now > settings().wait(PATIENCE):
                    raise HeldBack("The provider asked to wait.", self.held_until - now)
                self._count(now)
                at = max(self._next, now - SLACK, self.held_until)
                self._next = at + 1 / self.rate
                self._asked += 1
                self._waited += at > now
            if at <= now:
                return
            time.sleep(at - now)
            if self.held_until <= time.monotonic():
                return

    def granted(self) -> None:
        """A request was answered, whatever it said."""
        with self._lock:
            now = time.monotonic()
            self._granted.append(now)
            self._noes = 0
            while self._granted[0] < now - 1:  # the newest stays: there was an answer
                self._granted.popleft()

    def refused(self, retry_after: float | None) -> None:
        """The provider says that this was too fast."""
        with self._lock:
            now = time.monotonic()
            own = min(FIRST_HOLD * 2**self._noes, LAST_HOLD)
            hold = settings().wait(own if retry_after is None else retry_after)
            self.held_until = max(self.held_until, now + hold)
            if now - self._no_at < SAME_NO:
                return
            granted = sum(1 for at in self._granted if at > now - 1)
            is_again = now - self._no_at < AGAIN_WITHIN
            self.limit = max(min(self.rate, float(granted)), 1.0)
            self.rate = min(SHARE * self.limit, self.rate * AGAIN_SHARE if is_again else MOST)
            self.rate = max(self.rate, 1.0)
            self._no_at = now
            self._noes += 1

    def hold(self, seconds: float) -> None:
        """The provider has a fault and says for how long."""
        self.held_until = max(self.held_until, time.monotonic() + settings().wait(seconds))

    @property
    def has_answers(self) -> bool:
        """Whether the provider answered anything through this gate."""
        return bool(self._granted)

    @property
    def is_held(self) -> bool:
        """True when the provider asked for more than a moment."""
        return self.held_seconds > settings().wait(PATIENCE)

    @property
    def held_seconds(self) -> float:
        return max(self.held_until - time.monotonic(), 0.0)

    def _count(self, now: float) -> None:
        """Once a second: was the pace what held us back? Then it may be faster."""
        if now - self._second_at < settings().wait(1):
            return
        is_full = self._second_at and self._waited * 2 > self._asked
        if self.limit is None and is_full:
            self.rate = min(self.rate * 2, MOST)
        self._second_at, self._asked, self._waited = now, 0, 0
