"""The pace finds what a provider allows, on a clock of its own."""

import pytest

from app.core.http import HeldBack
from app.rescue.work import pace as paces
from app.rescue.work.pace import FIRST, MOST, SHARE, Pace


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self):
        self.now = 1_000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setenv("LUTHIER_WAIT_DIVISOR", "1")
    paces.settings.cache_clear()
    clock = Clock()
    monkeypatch.setattr(paces, "time", clock)
    return clock


class Server:
    """Allows so many requests in each whole second, and says no to more."""

    def __init__(self, clock, allowed):
        self.clock, self.allowed, self.taken, self.noes = clock, allowed, {}, 0

    def ask(self, pace):
        pace()
        second = int(self.clock.now)
        if self.taken.get(second, 0) >= self.allowed:
            self.noes += 1
            pace.refused(1.0)
            return
        self.taken[second] = self.taken.get(second, 0) + 1
        pace.granted()

    def rate(self, pace, seconds):
        """Requests granted a second from now on."""
        before, until = sum(self.taken.values()), self.clock.now + seconds
        while self.clock.now < until:
            self.ask(pace)
        return (sum(self.taken.values()) - before) / seconds


def test_it_begins_gently_and_doubles_while_nobody_minds(clock):
    server, pace = Server(clock, 10_000), Pace()
    assert server.rate(pace, 0.9) <= 1.2 * FIRST
    server.rate(pace, 10)
    assert (pace.rate, pace.limit) == (MOST, None)


@pytest.mark.parametrize("allowed", [30, 200])
def test_it_keeps_nine_tenths_of_what_is_allowed(clock, allowed):
    server, pace = Server(clock, allowed), Pace()
    server.rate(pace, 15)
    noes = server.noes

    assert server.rate(pace, 60) >= 0.9 * allowed
    assert server.noes - noes <= 2
    assert pace.rate <= allowed


def test_the_next_slice_goes_on_where_the_last_was(clock):
    server, pace = Server(clock, 200), Pace()
    server.rate(pace, 15)
    for _ in range(12):
        pace = Pace(pace.rate, pace.limit)
        assert server.rate(pace, 5) >= 0.75 * 200
    assert server.noes < 10
    assert server.rate(pace, 60) >= 0.9 * 200


def test_a_no_that_was_meant_for_others_costs_little(clock):
    pace = Pace(100.0)
    pace()
    pace.granted()
    pace.refused(None)
    assert (pace.rate, pace.limit) == (50.0, None)
    Server(clock, 10_000).rate(pace, 10)
    assert pace.rate == MOST


def test_a_moments_wait_is_waited_and_a_longer_one_is_told(clock):
    pace = Pace(200.0)
    pace.refused(1.5)
    before = clock.now
    pace()
    assert clock.now - before == pytest.approx(1.5)

    pace.refused(600)
    with pytest.raises(HeldBack) as held:
        pace()
    assert held.value.seconds == pytest.approx(600)
    assert pace.is_held


def test_the_noes_to_what_was_out_already_count_once(clock):
    pace = Pace(100.0)
    for _ in range(50):
        pace()
        pace.granted()
    for _ in range(20):
        pace.refused(1.0)
    assert pace.rate == pytest.approx(SHARE * pace.limit if pace.limit else 50.0)
    assert pace.rate >= 40


def test_without_a_word_for_how_long_it_waits_longer_each_time(clock):
    pace, waits = Pace(100.0), []
    for _ in range(4):
        pace.refused(None)
        waits.append(pace.held_seconds)
        clock.now = pace.held_until
    assert waits == pytest.approx([1, 2, 4, 8])
