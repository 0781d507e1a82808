"""Those who grade: two, many, a judge against people, a judge against itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evidence.agreement import cohen, judge_quality, krippendorff, order_swap

labels = st.sampled_from(["refund", "delivery", "other", None])


def test_a_judge_is_measured_against_people():
    judge = [True] * 40 + [True] * 10 + [False] * 5 + [False] * 45 + [None, True]
    people = [True] * 40 + [False] * 10 + [True] * 5 + [False] * 45 + [True, None]
    found = judge_quality(judge, people)
    assert found.precision.value == pytest.approx(40 / 50)
    assert found.recall.value == pytest.approx(40 / 45)
    assert found.agreement.agreed.value == pytest.approx(0.85)
    assert found.agreement.cases == 100
    assert (found.passed_by_judge_alone, found.passed_by_people_alone) == (10, 5)


def test_a_judge_that_passes_all_is_accurate_and_worth_nothing():
    found = judge_quality([True] * 100, [True] * 95 + [False] * 5)
    assert found.agreement.agreed.value == pytest.approx(0.95)
    assert found.agreement.kappa == pytest.approx(0)
    assert found.recall.value == 1


def test_kappa_is_unknown_where_nobody_ever_says_anything_else():
    assert cohen(["yes"] * 50, ["yes"] * 50).kappa is None
    assert cohen([], []).kappa is None
    assert krippendorff([["yes", "yes"]] * 50) is None
    assert krippendorff([["yes", None]]) is None
    assert judge_quality([], []).precision.value is None


def test_full_agreement_over_few_cases_is_not_certainty():
    few, many = ["yes", "no"] * 10, ["yes", "no"] * 500
    assert cohen(few, few).kappa == cohen(many, many).kappa == 1
    assert cohen(few, few).interval.low == pytest.approx(0.68, abs=0.01)
    assert cohen(many, many).interval.low == pytest.approx(0.99, abs=0.01)


def test_who_disagrees_by_rule_is_below_chance():
    assert cohen(["yes", "no"] * 10, ["no", "yes"] * 10).kappa == pytest.approx(-1)
    assert krippendorff([["yes", "no"], ["no", "yes"]]) < 0


def test_people_far_apart_in_numbers_agree_less_than_those_near():
    near = [[1, 2], [3, 3], [5, 4], [2, 2]]
    far = [[1, 5], [3, 3], [5, 1], [2, 2]]
    assert krippendorff(near, "interval") > 0.7
    assert krippendorff(far, "interval") < 0


def test_a_judge_that_prefers_the_first_place_is_found_out():
    """In 30 of 100 pairs it says what was shown first, both times."""
    as_asked = ["first"] * 40 + ["second"] * 30 + ["first"] * 30
    swapped = ["first"] * 40 + ["second"] * 30 + ["second"] * 30
    found = order_swap(as_asked, swapped)
    assert found.consistent.value == pytest.approx(0.7)
    assert (found.first_place, found.second_place) == (30, 0)
    assert found.test.exact < 1e-8


def test_a_judge_that_is_only_unsure_prefers_no_place():
    as_asked = ["first", "tie", "second", "tie", None, "first"]
    swapped = ["tie", "first", "tie", "second", "first", None]
    found = order_swap(as_asked, swapped)
    assert found.cases == 4
    assert (found.first_place, found.second_place) == (2, 2)
    assert found.consistent.value == 0
    assert found.test.exact == 1


@given(st.lists(st.tuples(labels, labels), max_size=40))
def test_agreement_of_any_labels_is_within_its_bounds_and_the_same_both_ways(pairs):
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    found, back = cohen(one, other), cohen(other, one)
    assert found.cases == back.cases
    if found.kappa is not None:
        assert found.kappa == pytest.approx(back.kappa)
        assert -1 <= found.interval.low <= found.kappa + 1e-9
        assert found.kappa <= found.interval.high + 1e-9 <= 1 + 1e-9
    alpha = krippendorff(pairs)
    assert alpha is None or -1 <= alpha <= 1 + 1e-9
