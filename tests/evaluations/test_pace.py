"""How fast answers are asked for finds what a provider takes, on a clock of its own."""

import heapq
import random
import threading
from itertools import count

import pytest

from app.core.http import HeldBack
from app.evaluations.asking import pace as paces
from app.evaluations.asking.pace import Pace

BURST_SECONDS = 0.25


class World:
    """A provider that takes so many requests a second, answers after half a second or so, and says
    no at once to a share of them by chance; and those who ask it, each behind a gate of its own.
    """

    def __init__(self, allowed, noes, askers, seed, no_seconds=0.003):
        self.now, self.allowed, self.noes = 1_000.0, allowed, noes
        self.dice, self.number = random.Random(seed), count()  # noqa: S311 - a sample
        self.room = self.burst = max(allowed * BURST_SECONDS, 1.0)
        self.filled_at = self.now
        self.answered = self.refused = 0
        self.waiting, self.kept = [], (paces.FIRST, None)
        self.askers, self.no_seconds = askers, no_seconds

    def monotonic(self):
        return self.now

    def wait(self, seconds):
        """As the event that nobody sets: time passes."""
        self.now += max(seconds, 1e-9)
        return False

    def begin(self):
        for _ in range(self.askers):
            pace = Pace(beside=self.askers, stopped=self)
            self.turn(pace)
            self.agree(pace)

    def agree(self, pace):
        """Each tells the others twice a second."""
        self.kept = pace.agree(*self.kept, self.askers)
        self.later(0.5, self.agree, pace)

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
        self.room, self.filled_at = min(filled, self.burst), self.now
        has_room = self.room >= 1
        self.room -= has_room
        if has_room and self.dice.random() >= self.noes:
            self.later(self.dice.uniform(0.3, 0.7), self.grant, pace)
        else:
            self.later(self.no_seconds, lambda one, at=self.now: self.refuse(one, at), pace)
        self.turn(pace)

    def grant(self, pace):
        self.answered += 1

    def refuse(self, pace, sent_at):
        self.refused += 1
        pace.refused(sent_at, None)

    def rate(self, seconds):
        """Answers a second from now on."""
        before, until = self.answered, self.now + seconds
        while self.waiting[0][0] < until:
            self.now, _, happens, pace = heapq.heappop(self.waiting)
            happens(pace)
        self.now = until
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


def test_ten_thousand_cases_of_two_contestants_take_hardly_longer_than_the_provider_allows(world):
    provider = world(200)
    begun = provider.now
    while provider.answered < 20_000:
        provider.rate(0.5)
    assert 20_000 / (provider.now - begun) >= 0.91 * 200


@pytest.mark.parametrize("seed", range(3))
def test_a_provider_that_says_no_to_a_third_by_chance_is_not_left_alone(world, seed):
    provider = world(200, noes=0.3, seed=seed)
    provider.rate(30)
    assert provider.rate(60) >= 0.6 * 0.7 * 200  # 70 % is what the noes leave


def test_those_who_ask_beside_each_other_have_equal_parts_of_what_they_find(world):
    provider = world(200, askers=2)
    provider.rate(20)
    total, most = provider.kept
    late = Pace(total, most, beside=3, stopped=provider)
    assert late.rate == pytest.approx(total / 3)
    late.rate += 30  # it has found more
    assert late.agree(total, most, 3) == (total + 30, most)
    assert late.rate == pytest.approx((total + 30) / 3)
    late.agree(total + 30, most, 1)  # the others are gone
    assert late.rate == pytest.approx(total + 30)


def test_a_persons_limit_holds_for_all_who_ask_together(world):
    provider = world(200)
    limited = Pace(200, None, beside=4, limit=10, stopped=provider)
    assert limited.rate == pytest.approx(2.5)
    assert limited.turn_seconds == pytest.approx(0.4), "as if it had asked just before"
    limited.agree(200, None, 1)
    assert limited.rate == pytest.approx(10)


def asked(provider, pace, times):
    """When so many requests left."""
    left = []
    for _ in range(times):
        pace()
        left.append(provider.now)
    return left


def test_what_nearly_all_are_refused_with_is_waited_for(world):
    provider = world(200, askers=1)
    pace = Pace(40, 40, stopped=provider)
    for at in asked(provider, pace, 40):
        pace.refused(at, 30.0)
    assert pace.held_seconds > 20
    with pytest.raises(HeldBack):
        pace()


def test_noes_that_are_told_late_count_for_when_they_were_sent(world):
    provider = world(200, askers=1)
    pace = Pace(200, 200, stopped=provider)
    left = asked(provider, pace, 200)
    for at in reversed(left[::18]):  # the oldest last: 12 of 200, and not of the first alone
        pace.refused(at, None)
    assert pace.rate >= 200
    assert not pace.held_seconds


def test_a_gate_is_no_obstacle_to_stopping(monkeypatch):
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "1")
    paces.settings.cache_clear()
    stopped = threading.Event()
    pace = Pace(limit=0, stopped=stopped)
    assert pace.turn_seconds > 200
    waiting = threading.Thread(target=pace, daemon=True)
    waiting.start()
    stopped.set()
    waiting.join(60)
    assert not waiting.is_alive()


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
