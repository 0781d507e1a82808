"""What a round shows, in which order, and what its grades come to."""

from collections import Counter

import pytest

from app.evaluations.duels.wins import grid_of, lines_of, tallied
from app.evaluations.people.figures import concord_of, outcomes_of, scores_of, verdict_of
from app.evaluations.people.making import Given, drawn, to_choose, to_grade
from app.evaluations.people.ordering import is_swapped, left_for, order_of


def given(*said: str, case: int = 1) -> list[Given]:
    """One result a contestant, in order."""
    return [Given(case * 100 + place, case, place, text) for place, text in enumerate(said)]


def test_the_same_answer_to_a_case_is_graded_once():
    found = to_grade([*given("a", "b", "a"), *given("a", case=2)], 1)
    assert sorted(found) == [(100, 102), (101,), (200,)]


def test_the_seed_alone_decides_the_order_of_items():
    several = [one for case in range(1, 30) for one in given("a", "b", case=case)]
    assert to_grade(several, 1) == to_grade(several[::-1], 1)
    assert to_grade(several, 1) != to_grade(several, 2)


def test_pairs_that_say_the_same_need_nobody():
    asked, same = to_choose(given("a", "b", "a"), 1)
    assert sorted(asked) == [(100, 101), (101, 102)]
    assert same == [(100, 102)]


def test_everybody_meets_one_contestant_where_that_is_wanted():
    asked, _ = to_choose(given("a", "b", "c"), 1, against=1)
    assert sorted(asked) == [(100, 101), (101, 102)]


def test_cases_are_drawn_without_one_twice_and_as_many_as_there_are():
    assert len(set(drawn(range(100), 30, 3))) == 30
    assert sorted(drawn([4, 5], 30, 3)) == [4, 5]


def test_each_person_has_an_order_that_stays_theirs():
    assert order_of(7, 1, 50) == order_of(7, 1, 50)
    assert order_of(7, 1, 50) != order_of(7, 2, 50)
    assert sorted(order_of(7, 1, 50)) == list(range(1, 51))


def test_a_contestant_stands_on_either_side_about_as_often():
    right = sum(is_swapped(7, 1, number) for number in range(1, 2001))
    assert 900 < right < 1100


def test_what_enough_others_graded_is_left_to_nobody_else():
    assert left_for([3, 1, 2, 4], {1}, {3: 2, 2: 1}, 2) == [2, 4]


def test_most_decide_and_a_split_decides_nothing():
    assert verdict_of(["right", "wrong", "right"]) == "right"
    assert verdict_of(["right", "wrong"]) is None
    assert verdict_of([]) is None


def test_agreement_is_krippendorffs_over_all_and_cohens_between_two():
    said = {
        1: {10: "right", 11: "right"},
        2: {10: "wrong", 11: "wrong"},
        3: {10: "right", 11: "wrong"},
        4: {10: "right", 11: "right"},
        5: {12: "right"},
    }
    found = concord_of(said)
    assert found.shared == 4
    # Four units by two people, one disagreement; by hand: observed 2/8, expected 30/56.
    assert found.alpha == pytest.approx(1 - (2 / 8) / (30 / 56))
    (pair,) = found.pairs
    # Agreed 3/4, by chance 3/4 · 1/2 + 1/4 · 1/2.
    assert pair.agreement.kappa == pytest.approx((0.75 - 0.5) / 0.5)


def test_an_answer_of_two_contestants_counts_for_both():
    said = {1: {10: "right"}, 2: {10: "wrong", 11: "right"}, 3: {10: "wrong"}}
    found = scores_of(said, {1: [0, 1], 2: [0], 3: [1]}, ["right"])
    assert [(one.place, one.good.value, one.split) for one in found] == [(0, 1.0, 1), (1, 0.5, 0)]


def test_duels_are_tallied_with_ties_where_people_are_even():
    places = {1: (0, 1), 2: (0, 1), 3: (0, 2), 4: (0, 1)}
    said = {1: {10: "first"}, 2: {10: "first", 11: "second"}, 3: {10: "second"}}
    assert list(outcomes_of(said, places, 3)) == [
        ((0, 1), "first"),
        ((0, 1), "tie"),
        ((0, 2), "second"),
        ((0, 1), "tie"),
    ]


def test_answers_that_are_the_same_are_no_ties_before_all_others_are_graded():
    places = {1: (0, 1), 2: (0, 1), 3: (0, 1)}
    assert list(outcomes_of({1: {10: "first"}}, places, 2)) == [((0, 1), "first")]


def test_a_pair_is_named_by_who_wins_and_stands_in_the_grid_from_both_sides():
    tallies = tallied([((0, 1), "second")] * 30 + [((0, 1), "tie")] * 10)
    assert tallies[0, 1] == Counter(second=30, tie=10)
    (line,) = lines_of(tallies, {0: "base", 1: "tuned"})
    assert (line.rate.first, line.rate.wins, line.rate.losses) == ("tuned", 30, 0)
    assert line.sentence.startswith("tuned wins 87.5 % against base")
    above, below = grid_of(tallies, [0, 1])
    assert (above[1].share, below[0].share, above[0].share) == (0.125, 0.875, None)
    assert (above[1].shade, below[0].shade) == (1, 4)
