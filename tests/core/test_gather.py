"""Many calls at once: bounded, answered in batches, ended early without waiting for what is out."""

import threading
from contextlib import closing

import pytest

from app.core.gather import IN_HAND, gather

LONG = 60.0


def test_everything_wanted_is_answered_once():
    batches = list(gather(lambda n: n * n, iter(range(500)), at_once=8, every=0.001))
    assert sorted(n for batch in batches for n in batch) == [n * n for n in range(500)]
    assert list(gather(str, iter(()), at_once=8, every=LONG)) == [[]]


def test_no_more_are_out_than_there_are_threads_and_no_more_are_wanted_than_can_wait():
    barrier, out, seen, asked = threading.Barrier(4, timeout=LONG), [0], set(), [0]
    lock = threading.Lock()

    def call(_n):
        with lock:
            out[0] += 1
            seen.add(out[0])
        barrier.wait()
        with lock:
            out[0] -= 1

    def wanted():
        for n in range(16):
            asked[0] += 1
            yield n

    batches = gather(call, wanted(), at_once=4, every=LONG)
    assert len(next(batches)) == 16
    assert max(seen) == 4
    assert asked[0] == 16


def test_a_caller_hears_of_the_time_while_nothing_is_answered():
    go_on = threading.Event()
    with closing(gather(lambda _: go_on.wait(LONG), iter([1]), at_once=1, every=0.001)) as batches:
        assert next(batches) == []
        go_on.set()
        assert [answer for batch in batches for answer in batch] == [True]


def test_what_a_call_raises_is_raised_to_the_caller():
    def call(n):
        return 1 // n

    with pytest.raises(ZeroDivisionError):
        list(gather(call, iter([1, 0, 1]), at_once=1, every=LONG))


def test_leaving_early_drops_what_has_not_begun():
    begun, go_on = [], threading.Event()

    def call(n):
        begun.append(n)
        go_on.wait(LONG)

    with closing(gather(call, iter(range(100)), at_once=2, every=0.001)) as batches:
        assert next(batches) == []
        go_on.set()
    assert len(begun) <= 2 * IN_HAND


def test_nothing_just_now_is_asked_again_behind_what_is_out_and_at_once_where_nothing_is():
    said = []

    def wanted():
        yield 1
        yield None
        yield 2  # behind the batch of the first, though that comes before its time
        yield None
        said.append("dry")

    batches = gather(str, wanted(), at_once=2, every=LONG)
    assert [next(batches), next(batches)] == [["1"], ["2"]]
    assert list(batches) == [[]]
    assert said == ["dry"]


def test_nothing_just_now_is_told_about_in_time():
    batches = gather(str, iter([None, None, 1]), at_once=2, every=0.001)
    assert [next(batches), next(batches)] == [[], []]
    assert [answer for batch in batches for answer in batch] == ["1"]
