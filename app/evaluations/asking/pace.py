"""How fast a provider answers questions: found by asking faster until it says no too often.

Models say no now and then for no reason of ours, so that a single no says little: the share of them
among what was asked at a rate does.
"""

import threading
import time
from collections import deque
from math import sqrt

from app.core.http import HeldBack
from app.settings import settings

FIRST, LEAST, MOST = 20.0, 0.2, 1_000.0  # requests a second
SELDOM = 1 / 300  # the least of a person's own limit for one of many, so that each has turns
WINDOW_SECONDS = 4.0
# What fewer noes or shorter times show is chance.
FEW_NOES, SHORT_SECONDS, NEARLY_ALL = 6, 0.5, 0.8
TOLERATED, MOST_TOLERATED = 0.08, 0.4
# Of few requests more are refused by chance: beyond what is tolerated, so many times its deviation.
SURE = 2.0
# So many of them at a rate so much lower, and of as much as before about as many: they do not come
# of the rate.
MANY_NOES, LOWER, AS_MANY = 12, 0.5, 0.25
# How it grows, and how often: gently and seldom where a limit is known.
FASTER, SOON_SECONDS = 1.8, 0.5
GENTLY, LATER_SECONDS = 1.02, 1.0
SLOWEST = 0.25  # of the rate, at once
# So far above a limit without too many noes: it was none.
DISPROVED = 1.3
MUCH = 0.2  # of a rate: what was sent at another says nothing of this one
PATIENCE_SECONDS = 2.0
LONGEST_HOLD = 60.0


class Pace:
    """A gate for many threads: call it before each request, and tell it of each no. It is one of
    those `beside` each other that share what a provider answers: `rate` in all, grown while the
    gates are what holds requests back; `most` is what it came down to when noes were too many, and
    `limit` a person's own. All in requests a second.
    """

    def __init__(
        self,
        rate: float = FIRST,
        most: float | None = None,
        *,
        beside: int = 1,
        limit: float = MOST,
        stopped: threading.Event | None = None,
    ) -> None:
        self.limit = limit
        self.tolerated = TOLERATED
        self._take(rate, most, beside)
        self._stopped = stopped or threading.Event()
        self._second = settings().wait(1)
        self._turn, self._lock = threading.Lock(), threading.Lock()
        self._sent: deque[float] = deque()
        self._noes: deque[float] = deque()
        self._next = self._looked_at = self._changed_at = time.monotonic()
        if limit < MOST:  # what was asked just before counts too
            self._next += self._second / self.rate
        self._asked = self._waited = 0
        self._held_until = 0.0
        self._too_fast = (0.0, 0.0)  # the rate, and the share of noes

    def _take(self, rate: float, most: float | None, beside: int) -> None:
        """One part of so many."""
        self.beside = beside
        self.ceiling = max(self.limit / beside, SELDOM)
        self.rate, self.most = min(rate / beside, self.ceiling), most and most / beside
        self._taken = self.rate, self.most

    def __call__(self) -> None:
        """Wait for a turn, or until `stopped`. Raises HeldBack when the provider asked for more
        than a moment.
        """
        with self._turn:  # one at a time: turns reserved ahead would come at a rate of the past
            has_waited = False
            while (seconds := self._take_turn(has_waited=has_waited)) > 0:
                if self._stopped.wait(seconds):
                    return
                has_waited = True

    def _take_turn(self, *, has_waited: bool) -> float:
        """Seconds until the turn, 0 where it is taken."""
        with self._lock:
            now = time.monotonic()
            if self.held_seconds > PATIENCE_SECONDS:
                raise HeldBack("The provider asked to wait.", self.held_seconds)
            self._grow(now)
            at = max(self._next, self._held_until)
            if at > now:
                return at - now
            self._next = max(at, now - self._second / 50) + self._second / self.rate
            self._sent.append(now)
            self._asked += 1
            self._waited += has_waited
            return 0.0

    def refused(self, sent_at: float, retry_after: float | None) -> None:
        """The provider says that what was sent then was one too many."""
        with self._lock:
            if sent_at < self._changed_at:
                return  # says nothing of the rate that is
            self._noes.append(sent_at)
            now = time.monotonic()
            self._forget(now)
            until = max(self._noes, default=now)  # what was sent later may be refused yet
            sent, noes = sum(at <= until for at in self._sent), len(self._noes)
            is_short = until - self._changed_at < SHORT_SECONDS * self._second
            if is_short or noes < FEW_NOES or self._is_usual(sent, noes):
                return
            share = min(noes / max(sent, 1), 1.0)
            if share > NEARLY_ALL:  # its own word counts for everybody
                wait = min(retry_after or 1.0, LONGEST_HOLD)
                self._held_until = max(self._held_until, now + wait * self._second)
            self._change(now, share, noes)

    def agree(self, rate: float, most: float | None, beside: int) -> tuple[float, float | None]:
        """Bring what this one found since the last time into what all found together, and take its
        part of that: the rate and the most in all.
        """
        with self._lock:
            before, (taken_rate, taken_most) = self.rate, self._taken
            rate = min(max(rate + before - taken_rate, LEAST), MOST)
            if self.most != taken_most:
                most = self.most and self.most * self.beside
            self._take(rate, most, beside)
            if abs(self.rate / before - 1) > MUCH:
                self._begin(time.monotonic())
            return rate, most

    @property
    def turn_seconds(self) -> float:
        """How long it is to the next turn."""
        return max(self._next - time.monotonic(), 0.0)

    @property
    def held_seconds(self) -> float:
        """How long it is still to be left alone."""
        return max(self._held_until - time.monotonic(), 0.0) / self._second

    def _is_usual(self, sent: int, noes: int) -> bool:
        """Whether so many noes may come by chance of a provider that is not asked too fast."""
        usual = self.tolerated * sent
        return noes <= usual + SURE * sqrt(usual)

    def _change(self, now: float, share: float, noes: int) -> None:
        """Slower, to where no more would be refused than is tolerated."""
        rate, before = self._too_fast
        is_low = self.rate <= rate * LOWER and share < MOST_TOLERATED
        if is_low and noes < MANY_NOES:
            return
        if is_low and abs(share - before) <= AS_MANY * before:
            self.tolerated, self.rate, self.most = share, rate, None
        else:
            if self.rate > rate and share < MOST_TOLERATED:
                self._too_fast = self.rate, share
            slower = self.rate * max(1 - share + self.tolerated, SLOWEST)
            self.rate = self.most = min(max(slower, LEAST), self.ceiling)
        self._looked_at, self._asked, self._waited = now, 0, 0
        self._begin(now)

    def _begin(self, now: float) -> None:
        """What was sent at another rate counts no more."""
        self._changed_at = now
        self._sent.clear()
        self._noes.clear()

    def _forget(self, now: float) -> None:
        for known in (self._sent, self._noes):
            while known and known[0] < now - WINDOW_SECONDS * self._second:
                known.popleft()

    def _grow(self, now: float) -> None:
        """Now and then: was it the gate that held us back? Then it may be faster."""
        every = SOON_SECONDS if self.most is None else LATER_SECONDS
        if now - self._looked_at < every * self._second:
            return
        self._forget(now)
        is_full = self._waited * 2 > self._asked
        self._looked_at, self._asked, self._waited = now, 0, 0
        if not is_full or not self._is_usual(len(self._sent), len(self._noes)):
            return
        if self.most is not None and self.rate > self.most * DISPROVED:
            self.most = None
        if self.most is None:
            self.rate = min(self.rate * FASTER, self.ceiling)
            self._begin(now)
        else:
            self.rate = min(self.rate * GENTLY, self.ceiling)
