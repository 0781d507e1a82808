"""How fast answers are asked for finds what a provider takes, on a clock of its own."""

import heapq
import random
from itertools import count

import pytest

from app.evaluations.asking import pace as paces
from app.evaluations.asking.pace import Pace

BURST_SECONDS = 0.25


class World:
    """A provider that takes so many requests a second, answers after half a second or so, and says
    no at once to a share of them by chance; and those who ask it, each behind a gate of its own.
    """

    def __init__(self, allowed, noes, askers, seed):
        self.now, self.allowed, self.noes = 1_000.0, allowed, noes
        self.dice, self.number = random.Random(seed), count()  # noqa: S311 - a sample
        self.room, self.filled_at = allowed * BURST_SECONDS, self.now
        self.answered = self.refused = 0
        self.waiting = []
        self.askers = askers

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def begin(self):
        for pace in (Pace(paces.FIRST / self.askers) for _ in range(self.askers)):
            self.turn(pace)

    def later(self, seconds, happens, pace):
        heapq.heappush(self.waiting, (self.now + seconds, next(self.number), happens, pace))

    def turn(self, pace):
        """Its next request leaves as soon as its gate lets it."""
        before = self.now
        pace()
        seconds, self.now = self.now - before, before
        self.later(seconds, self.send, pace)

    def send(self, pace):
        filled = self.room + (self.now - self.filled_at) * self.allowed
        self.room, self.filled_at = min(filled, self.allowed * BURST_SECONDS), self.now
        has_room = self.room >= 1
        self.room -= has_room
        if has_room and self.dice.random() >= self.noes:
            self.later(self.dice.uniform(0.3, 0.7), self.grant, pace)
        else:
            self.later(0.003, self.refuse, pace)
        self.turn(pace)

    def grant(self, pace):
        self.answered += 1
        pace.granted()

    def refuse(self, pace):
        self.refused += 1
        pace.refused(None)

    def rate(self, seconds):
        """Answers a second from now on."""
        before, until = self.answered, self.now + seconds
        while self.waiting[0][0] < until:
            self.now, _, happens, pace = heapq.heappop(self.waiting)
            happens(pace)
        return (self.answered - before) / seconds


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "1")
    paces.settings.cache_clear()

    def begin(allowed, *, noes=0.05, askers=2, seed=1):
        made = World(allowed, noes, askers, seed)
        monkeypatch.setattr(paces, "time", made)
        made.begin()
        return made

    return begin


@pytest.mark.parametrize("seed", range(5))
def test_noes_that_mean_nothing_do_not_keep_it_slow(world, seed):
    provider = world(200, seed=seed)
    provider.rate(15)
    assert provider.rate(45) >= 0.9 * 200  # 95 % is what the noes leave


@pytest.mark.parametrize("allowed", [10, 40])
def test_a_slow_provider_is_asked_as_fast_as_it_answers_and_hardly_faster(world, allowed):
    provider = world(allowed)
    provider.rate(15)
    refused = provider.refused
    assert provider.rate(45) >= 0.85 * allowed
    assert provider.refused - refused <= 0.25 * allowed * 45


def test_it_grows_fast_while_nobody_minds(world):
    provider = world(10_000, noes=0.0, askers=1)
    provider.rate(5)
    assert provider.rate(2) >= 15 * paces.FIRST
