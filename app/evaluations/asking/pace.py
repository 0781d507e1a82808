"""How fast a provider answers questions: found by asking faster until it says no too often.

Models say no now and then for no reason of ours, so that a single no says little: the share of them
within some seconds does.
"""

import threading
import time
from collections import deque
from math import inf

from app.core.http import HeldBack
from app.settings import settings

FIRST, LEAST, MOST = 20.0, 0.2, 1_000.0  # requests a second
WINDOW_SECONDS = 4.0
FEW_NOES, TOLERATED = 6, 0.08
# Of few requests more are refused by chance: beyond what is tolerated, so many times its deviation.
SURE = 2.0
FASTER, GENTLY, SLOWER = 1.8, 1.02, 0.96  # once a second; gently where a limit is known
# So far above a limit without too many noes: it was none.
DISPROVED = 1.3
PATIENCE_SECONDS = 2.0
LONGEST_HOLD = 60.0
# What was out already when the rate changed says nothing of the new one.
SETTLES_SECONDS = 1.5


class Pace:
    """A gate for many threads: call it before each request, and tell it of each answer and of each
    no. `rate` grows while the gate is what holds requests back; `most` is what was granted a second
    when noes were too many. `ceiling` is a person's own limit. All in requests a second.
    """

    def __init__(
        self, rate: float | None = None, most: float | None = None, ceiling: float = MOST
    ) -> None:
        self.ceiling = max(ceiling, LEAST)
        self.rate, self.most = min(rate or FIRST, self.ceiling), most
        self._second = settings().wait(1)
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._granted: deque[float] = deque()
        self._noes: deque[float] = deque()
        self._next = self._looked_at = time.monotonic()
        self._changed_at = -inf
        self._asked = self._waited = 0
        self._held_until = 0.0

    def __call__(self) -> None:
        """Wait for a turn. Raises HeldBack when it is further away than a moment."""
        while True:
            with self._lock:
                now = time.monotonic()
                if self.held_seconds > PATIENCE_SECONDS:
                    raise HeldBack("The provider asked to wait.", self.held_seconds)
                self._grow(now)
                at = max(self._next, now - self._second / 50, self._held_until)
                self._next = at + self._second / self.rate
                self._sent.append(at)
                self._asked += 1
                self._waited += at > now
            if at > now:
                time.sleep(at - now)
            if self._held_until <= time.monotonic():
                return

    def granted(self) -> None:
        """A request was answered."""
        with self._lock:
            self._granted.append(time.monotonic())

    def refused(self, retry_after: float | None) -> None:
        """The provider says that this was one too many."""
        with self._lock:
            now = time.monotonic()
            self._noes.append(now)
            self._forget(now)
            noes, sent = len(self._noes), max(len(self._sent), len(self._noes))
            if self._is_usual():
                return
            self._slow_down(now, noes / sent)
            if noes * 2 > sent:  # nearly nothing passes: its own word counts for everybody
                wait = min(retry_after or 1.0, LONGEST_HOLD)
                self._held_until = max(self._held_until, now + wait * self._second)

    @property
    def held_seconds(self) -> float:
        """How long it is still to be left alone."""
        return max(self._held_until - time.monotonic(), 0.0) / self._second

    def _is_usual(self) -> bool:
        """Whether so many noes may come by chance of a provider that is not asked too fast. A no
        comes sooner than an answer, so they are counted against what was sent.
        """
        noes, usual = len(self._noes), TOLERATED * len(self._sent)
        return noes < FEW_NOES or noes <= usual + SURE * usual**0.5

    def _slow_down(self, now: float, share: float) -> None:
        """To what was granted of late where far too much was asked, else a little."""
        lately = now - self._second
        granted = float(sum(at > lately for at in self._granted))
        self.most = granted
        slower = max(granted, self.rate / 4) if share > 2 * TOLERATED else self.rate * SLOWER
        self.rate = max(min(slower, self.rate), LEAST)
        self._changed_at = self._looked_at = now
        self._asked = self._waited = 0

    def _forget(self, now: float) -> None:
        since = now - WINDOW_SECONDS * self._second
        settled = self._changed_at + SETTLES_SECONDS * self._second
        for known, begins in (
            (self._granted, since),
            (self._sent, max(since, settled)),
            (self._noes, max(since, settled)),
        ):
            while known and known[0] < begins:
                known.popleft()

    def _grow(self, now: float) -> None:
        """Once a second: was it the gate that held us back? Then it may be faster."""
        if now - self._looked_at < self._second:
            return
        self._forget(now)
        is_full = self._waited * 2 > self._asked
        if is_full and self._sent and self._is_usual():
            if self.most is not None and self.rate > self.most * DISPROVED:
                self.most = None
            factor = FASTER if self.most is None else GENTLY
            self.rate = min(self.rate * factor, self.ceiling)
        self._looked_at, self._asked, self._waited = now, 0, 0
