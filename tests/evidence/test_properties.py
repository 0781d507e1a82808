"""What must hold of any numbers."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.evidence.comparison import compare
from app.evidence.power import cases_needed, power, smallest_shown
from app.evidence.proportions import paired_interval, sign_test, wilson
from app.evidence.repeats import flakiness
from app.evidence.scores import mean
from app.evidence.several import adjusted
from app.settings import ROOT

counts = st.integers(0, 3_000)
shares = st.lists(st.floats(0, 1), min_size=10, max_size=60)


unhurried = settings(deadline=None, max_examples=60)


def width(interval):
    return interval.high - interval.low


@unhurried
@given(counts, counts)
def test_a_pass_rates_interval_is_in_range_around_it_and_mirrors(passed, failed):
    cases = passed + failed
    found, mirrored = wilson(passed, cases), wilson(failed, cases)
    assert 0 <= found.low <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low))
    if cases:
        assert found.low <= passed / cases <= found.high
        assert width(wilson(4 * passed, 4 * cases)) < width(found)


@unhurried
@given(counts, counts, counts)
def test_so_is_a_differences(more, fewer, alike):
    cases = more + fewer + alike
    found, mirrored = paired_interval(more, fewer, cases), paired_interval(fewer, more, cases)
    assert -1 <= found.low <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low))
    if cases:
        assert found.low <= (more - fewer) / cases <= found.high
        assert width(paired_interval(4 * more, 4 * fewer, 4 * cases)) < width(found)


@unhurried
@given(st.integers(10, 2_000), st.integers(0, 2_000), st.integers(0, 2_000))
def test_where_the_interval_leaves_out_nought_the_test_says_nearly_the_same(alike, more, fewer):
    if paired_interval(more, fewer, more + fewer + alike).leaves_out(0):
        assert sign_test(more, fewer).mid_p < 0.07


@unhurried
@given(counts, counts)
def test_a_sign_test_mirrors_and_its_mid_p_is_the_smaller(plus, minus):
    found, mirrored = sign_test(plus, minus), sign_test(minus, plus)
    assert (found.exact, found.mid_p) == (mirrored.exact, mirrored.mid_p)
    assert 0 <= found.mid_p <= found.exact <= 1


@unhurried
@given(shares, st.data())
def test_the_other_way_round_a_verdict_is_its_mirror(first, data):
    second = data.draw(st.lists(st.floats(0, 1), min_size=len(first), max_size=len(first)))
    there = compare(first, second, names=("A", "B"), measure="share", resamples=2_000)
    back = compare(second, first, names=("B", "A"), measure="share", resamples=2_000)
    assert back.difference == pytest.approx(-there.difference)
    assert (back.better_on, back.worse_on) == (there.worse_on, there.better_on)
    # Drawn in another order where the values sort the other way round: near, not equal.
    near = 0.35 * width(there.interval) + 1e-9
    assert back.interval.low == pytest.approx(-there.interval.high, abs=near)
    assert -1 <= there.interval.low <= there.interval.high <= 1
    assert 0 <= there.p <= 1 + 1e-12


@unhurried
@given(shares)
def test_a_means_interval_stays_among_the_scores(scores):
    found = mean(scores, measure="share", resamples=500)
    assert 0 <= found.interval.low <= found.interval.high <= 1


@unhurried
@given(st.lists(st.none() | st.floats(0, 1), max_size=30))
def test_adjusted_p_values_keep_their_order_and_are_no_smaller(p_values):
    found = adjusted(p_values)
    assert [p is None for p in found] == [p is None for p in p_values]
    both = sorted((p, q) for p, q in zip(p_values, found, strict=True) if p is not None)
    assert all(p <= q <= 1 for p, q in both)
    assert [q for _, q in both] == sorted(q for _, q in both)


@unhurried
@given(st.integers(10, 5_000), st.floats(0.001, 1), st.floats(0, 1))
def test_power_is_a_share_and_grows_with_the_cases_and_the_difference(cases, difference, varying):
    found = power(cases, difference, varying)
    assert 0 <= found <= 1
    # Cases are whole: now and then one more makes the rule a little harder.
    assert power(2 * cases, difference, varying) >= found - 0.05
    if difference < varying:
        assert power(cases, min(1.5 * difference, varying), varying) >= found - 1e-6


@unhurried
@given(st.integers(20, 3_000), st.floats(0.02, 0.9))
def test_the_smallest_difference_shown_takes_about_that_many_cases(cases, varying):
    smallest = smallest_shown(cases, varying)
    assert cases_needed(smallest, varying, most=10 * cases) == pytest.approx(cases, rel=0.15, abs=4)


@unhurried
@given(st.lists(st.lists(st.none() | st.floats(), min_size=3, max_size=3), max_size=20))
def test_any_repeats_have_a_flakiness(scores):
    found = flakiness(scores, measure="number")
    assert found.noise_floor is None or found.noise_floor >= 0


def test_pages_can_read_evidence_without_numpy_and_none_of_it_loads_scipy_before_it_is_used():
    script = """
import sys
import app.evidence.base, app.evidence.words, app.evidence.wins, app.evidence.agreement
assert "numpy" not in sys.modules
import app.evidence.comparison, app.evidence.slices, app.evidence.repeats
assert "scipy" not in sys.modules
from app.evidence.comparison import compare
compare([1.5, 2] * 10, [1, 2.5] * 10, names=("a", "b"), measure="number")
assert "scipy.stats" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
