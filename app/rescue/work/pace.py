"""How fast a provider lets us ask: found by asking faster until it says no, then kept below."""

import threading
import time
from collections import deque

from app.core.http import HeldBack
from app.settings import settings

FIRST, LEAST, MOST = 60.0, 5.0, 500.0  # requests a second
SHARE = 0.96  # of what was granted when it said no
# Servers that count by whole seconds or minutes grant more at first than in the long run.
AGAIN_SHARE, AGAIN_WITHIN = 0.96, 5.0
CREEP = 0.8  # requests a second more, from one slice to the next
PATIENCE = 2.0
FIRST_HOLD, LAST_HOLD = 1.0, 60.0
SLACK = 0.03  # seconds that late threads may catch up
SHORTEST = 0.2  # of a second, to tell from what was granted how much is granted in one
SAME_NO = 0.5  # what was out already when the first no came says nothing new


class Pace:
    """A gate for the requests of many threads. It begins gently and doubles each second that was
    used to the full, until the provider says no. Where we asked for as much as we might, what was
    granted then is the `limit`: `rate` stays a little below, and creeps up slice by slice. A no
    while we asked for less (others use the same allowance) halves the rate, and it grows again. A
    no holds everything for as long as the provider asks. Both are in requests a second.
    """

    def __init__(self, rate: float | None = None, limit: float | None = None) -> None:
        self.rate, self.limit = rate or FIRST, limit
        if limit is not None and self.rate >= SHARE * limit:
            self.rate = min(self.rate + CREEP, MOST)
        self.held_until = 0.0
        self._second = settings().wait(1)
        self._lock = threading.Lock()
        self._begun_at = self._next = time.monotonic()
        self._second_at = self._no_at = 0.0
        self._asked = self._waited = self._noes = 0
        self._granted: deque[float] = deque()

    def __call__(self) -> None:
        """Wait for a turn. Raises HeldBack when the provider asked for more than a moment."""
        while True:
            with self._lock:
                now = time.monotonic()
                if self.is_held:
                    raise HeldBack("The provider asked to wait.", self.held_until - now)
                self._grow(now)
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
            self._granted.append(time.monotonic())
            self._noes = 0
            self._forget(self._granted[-1])

    def refused(self, retry_after: float | None) -> None:
        """The provider says that this was too fast."""
        with self._lock:
            now = time.monotonic()
            own = min(FIRST_HOLD * 2**self._noes, LAST_HOLD)
            self._hold(now, own if retry_after is None else retry_after)
            if now - self._no_at < SAME_NO * self._second:
                return
            self._forget(now)
            counted = min(max(now - self._begun_at, SHORTEST * self._second), self._second)
            granted = len(self._granted) / counted
            if granted * 2 >= self.rate:
                is_again = now - self._no_at < AGAIN_WITHIN * self._second
                self.limit = min(granted, self.rate) * (AGAIN_SHARE if is_again else 1)
                self.rate = SHARE * self.limit
            else:
                self.rate /= 2
            self.rate = max(self.rate, LEAST)
            self._no_at = now
            self._noes += 1

    def hold(self, seconds: float) -> None:
        """The provider has a fault and says for how long."""
        with self._lock:
            self._hold(time.monotonic(), seconds)

    @property
    def has_answers(self) -> bool:
        """Whether the provider answered anything through this gate."""
        return bool(self._granted)

    @property
    def is_held(self) -> bool:
        """True when the provider asked for more than a moment."""
        return self.held_seconds > PATIENCE

    @property
    def held_seconds(self) -> float:
        """How long it is still to be left alone."""
        return max(self.held_until - time.monotonic(), 0.0) / self._second

    def _hold(self, now: float, seconds: float) -> None:
        self.held_until = max(self.held_until, now + seconds * self._second)

    def _forget(self, now: float) -> None:
        """Count the last second only; the newest answer stays, as a sign that there was one."""
        while len(self._granted) > 1 and self._granted[0] < now - self._second:
            self._granted.popleft()

    def _grow(self, now: float) -> None:
        """Once a second: was the pace what held us back? Then it may be faster, to the limit."""
        if now - self._second_at < self._second:
            return
        is_full = self._second_at and self._waited * 2 > self._asked
        top = MOST if self.limit is None else SHARE * self.limit
        if is_full and self.rate < top:
            self.rate = min(self.rate * 2, top)
        self._second_at, self._asked, self._waited = now, 0, 0
