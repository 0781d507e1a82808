"""Two contestants: what counts as a case, what is left out, and which words the numbers earn."""

import numpy as np
import pytest

from app.evidence.base import Interval
from app.evidence.comparison import compare, compare_all, non_inferiority
from app.evidence.repeats import flakiness
from app.evidence.scores import mean
from app.evidence.slices import by_slice
from app.evidence.wins import win_rate

NAMES = ("one", "other")


def passes(both, first, second, neither):
    """Scores of two of whom so many cases are passed by both, by one alone, by neither."""
    return (
        [1] * both + [1] * first + [0] * second + [0] * neither,
        [1] * both + [0] * first + [1] * second + [0] * neither,
    )


def verdict(first, second, measure="passes", **settings):
    return compare(first, second, names=NAMES, measure=measure, **settings)


def test_the_cases_that_only_one_passes_are_counted_and_decide():
    found = verdict(*passes(700, 200, 76, 343))
    assert (found.better_on, found.worse_on, found.equal_on) == (200, 76, 1043)
    assert (found.first_mean, found.second_mean) == pytest.approx((900 / 1319, 776 / 1319))
    assert found.difference == pytest.approx(124 / 1319)
    assert found.kind == "better"
    assert found.p < 1e-9
    assert found.more_cases is None


@pytest.mark.parametrize(
    ("scores", "kind"),
    [
        (passes(50, 30, 5, 15), "better"),
        (passes(50, 5, 30, 15), "worse"),
        (passes(50, 12, 5, 33), "not_enough"),
        (passes(50, 10, 10, 30), "no_large_difference"),
        (passes(50, 10, 9, 31), "no_large_difference"),
        (passes(4_900, 30, 20, 50), "no_large_difference"),
        (passes(50, 0, 0, 50), "same"),
        (passes(100, 0, 0, 0), "same"),
        (passes(0, 100, 0, 0), "better"),
        (passes(2, 7, 0, 0), "too_few"),
        (([1], [0]), "too_few"),
        (([], []), "too_few"),
        (([None] * 50, [1] * 50), "too_few"),
    ],
)
def test_each_kind_of_verdict(scores, kind):
    found = verdict(*scores)
    assert found.kind == kind
    assert (found.more_cases is not None) == (kind == "not_enough")
    assert (found.interval is None) == (kind == "too_few")


def test_what_matters_to_a_team_decides_what_is_a_large_difference():
    scores = passes(400, 35, 25, 40)
    assert verdict(*scores).kind == "not_enough"
    assert verdict(*scores, matters=0.06).kind == "no_large_difference"


def test_scores_are_compared_case_by_case():
    """Cases differ by far more than the contestants: apart the two look the same."""
    draw = np.random.default_rng(1)
    hard = draw.normal(5, 2, size=200)
    better = hard + draw.normal(0.2, 0.5, size=200)
    found = verdict(better, hard, "number")
    assert found.kind == "better"
    mine, other = mean(better, measure="number"), mean(hard, measure="number")
    assert mine.interval.low < other.value < mine.interval.high
    assert found.interval.high - found.interval.low < 0.2


def test_answers_to_one_case_are_no_cases_of_their_own():
    first, second = passes(50, 30, 20, 20)
    thrice = verdict(np.repeat([first], 3, axis=0).T, np.repeat([second], 3, axis=0).T)
    once = verdict(first, second)
    assert (thrice.interval, thrice.p, thrice.cases) == (once.interval, once.p, once.cases)
    assert thrice.repeats == 3


def test_answers_that_differ_are_averaged_and_missing_ones_are_not_failures():
    first = [[1, 0, None], [1, 1, 1], [None, None, None]] * 10
    second = [[0, 0, 0], [0, 0, 0], [1, 1, 1]] * 10
    found = verdict(first, second)
    assert (found.cases, found.left_out, found.repeats) == (20, 10, 3)
    assert found.first_mean == pytest.approx(0.75)


def test_the_seed_decides_and_nothing_else():
    draw = np.random.default_rng(2)
    first, second = draw.random(100), draw.random(100)
    assert verdict(first, second, "share") == verdict(first, second, "share")
    assert verdict(first, second, "share") != verdict(first, second, "share", seed=1)


def test_scores_of_other_cases_are_refused():
    with pytest.raises(ValueError, match="same cases"):
        verdict([1], [1, 0])
    with pytest.raises(ValueError, match="list of cases"):
        verdict([[[1]]], [[[1]]])


def test_scores_that_are_all_alike_leave_the_doubt_of_what_was_not_seen():
    nought = verdict([0.5] * 50, [0.5] * 50, "share")
    assert nought.kind == "same"
    assert nought.interval == Interval(-nought.interval.high, nought.interval.high)
    assert 0.04 < nought.interval.high < 0.06
    always = verdict([0.6] * 50, [0.5] * 50, "share")
    assert always.kind == "better"
    assert 0.09 < always.interval.low < always.interval.high < 0.11
    assert verdict([3.0] * 50, [3.0] * 50, "number").interval == Interval(0, 0)


def test_rounding_is_no_difference():
    found = verdict([0.1 + 0.2] * 20, [0.3] * 20, "number")
    assert (found.kind, found.better_on) == ("same", 0)


def test_every_pair_of_contestants_is_compared_and_told_of_the_others():
    base, tuned = passes(50, 3, 14, 33)
    found = compare_all({"base": base, "tuned": tuned, "twin": tuned}, measure="passes")
    assert [(v.first, v.second) for v in found] == [
        ("base", "tuned"),
        ("base", "twin"),
        ("tuned", "twin"),
    ]
    assert found[0].adjusted_p == pytest.approx(found[0].p * 3 / 2)
    assert found[2].adjusted_p == 1


@pytest.mark.parametrize(
    ("scores", "margin", "kind"),
    [
        (passes(1_100, 60, 62, 97), 0.02, "non_inferior"),
        (passes(1_100, 60, 62, 97), 0.005, "not_shown"),
        (passes(1_000, 20, 160, 139), 0.02, "inferior"),
        (passes(1_319, 0, 0, 0), 0.02, "non_inferior"),
        (passes(20, 0, 0, 0), 0.02, "not_shown"),
        (passes(9, 0, 0, 0), 0.02, "too_few"),
    ],
)
def test_each_kind_of_non_inferiority(scores, margin, kind):
    found = non_inferiority(*scores, names=NAMES, measure="passes", margin=margin)
    assert found.kind == kind


def test_a_margin_of_nothing_is_refused():
    with pytest.raises(ValueError, match="margin"):
        non_inferiority([1], [1], names=NAMES, measure="passes", margin=0)


def test_slices_are_judged_among_each_other():
    """One of ten slices differs, as by chance one in twenty would; alone it would stand."""
    first, second = passes(20, 9, 1, 10)
    calm = passes(20, 3, 3, 14)
    first, second = first + calm[0] * 9, second + calm[1] * 9
    slices = {f"tag {n}": range(40 * n, 40 * n + 40) for n in range(10)}
    found = by_slice(first, second, slices, names=NAMES, measure="passes")
    assert found[0].verdict.kind == "better"
    assert found[0].verdict.p < 0.05 < found[0].adjusted_p
    assert not any(entry.is_shown for entry in found)
    alone = by_slice(first, second, {"tag 0": range(40)}, names=NAMES, measure="passes")
    assert alone[0].is_shown


def test_a_slice_with_few_cases_or_none_is_told_but_not_tested():
    found = by_slice(
        *passes(50, 30, 5, 15), {"few": [1, 2], "none": []}, names=NAMES, measure="passes"
    )
    assert [(entry.name, entry.verdict.cases) for entry in found] == [("few", 2), ("none", 0)]
    assert all(entry.adjusted_p is None and not entry.is_shown for entry in found)


def test_a_tie_is_half_a_win_or_none():
    found = win_rate(60, 20, 20, names=NAMES)
    assert found.half.value == pytest.approx(0.7)
    assert found.decided.value == pytest.approx(0.75)
    assert (found.half.cases, found.decided.cases) == (100, 80)
    assert found.test.exact < 1e-4
    assert win_rate(0, 9, 0, names=NAMES).decided.value is None


def test_a_contestant_that_disagrees_with_itself_is_flaky():
    found = flakiness([[1, 1, 1], [1, 0, 1], [0, 0, 0], [1, None, None]], measure="passes")
    assert (found.cases, found.repeats) == (3, 3)
    assert found.disagreeing.value == pytest.approx(1 / 3)
    assert found.all_passed.value == pytest.approx(1 / 3)
    assert found.any_passed.value == pytest.approx(2 / 3)
    assert flakiness([1, 0], measure="passes").noise_floor is None
    assert flakiness([[2.0, 3.0]], measure="number").all_passed is None


def test_two_runs_of_one_contestant_stay_under_its_noise_floor_95_times_in_a_hundred():
    draw = np.random.default_rng(3)
    hardness = draw.beta(2, 1, size=(300, 1))
    floor = flakiness(draw.random((300, 5)) < hardness, measure="passes").noise_floor
    runs = (draw.random((300, 4_000)) < hardness).mean(axis=0)
    under = np.abs(runs[:2_000] - runs[2_000:]) < floor
    assert under.mean() == pytest.approx(0.95, abs=0.02)


def test_a_mean_of_one_case_has_no_interval_and_of_none_no_value():
    assert mean([0.5], measure="share").interval is None
    assert mean([None], measure="share").value is None
    assert mean([3, 3], measure="number").interval is None
    assert mean([[1, 0]] * 20, measure="passes").interval.high > 0.5
