"""What it takes to trust a judge: fair ones pass, biased ones are refused with the reason."""

import pytest

from app.evaluations.calibration.measuring import (
    CONSISTENT,
    FEWEST,
    FEWEST_OF_KIND,
    KAPPA,
    KAPPA_OF_TWO,
    LEAST_KAPPA,
    LEAST_OF_TWO,
    Measured,
    as_json,
    from_json,
    measured_alone,
    measured_of_two,
    reasons_against,
)
from app.evaluations.people.ordering import repeatable
from app.settings import ROOT

GOOD, BAD = [True] * 30, [False] * 30
OUTCOMES = ("first", "second", "tie")


def beside(people, *, misses_good=0, misses_bad=0):
    """A judge that says what people say, but for so many of each kind."""
    judge = list(people)
    for kind, many in ((True, misses_good), (False, misses_bad)):
        for at in [n for n, one in enumerate(people) if one is kind][:many]:
            judge[at] = not kind
    return judge


def against(people, **misses):
    return reasons_against(measured_alone(beside(people, **misses), people))


def test_a_judge_that_says_what_people_say_is_trusted():
    assert against(GOOD + BAD) == []
    assert against(GOOD + BAD, misses_good=3, misses_bad=3) == []


def test_too_few_answers_are_no_measure():
    (reason,) = against([True] * 15 + [False] * 14)
    assert reason == "29 answers are graded by people and by it; 30 are needed."
    (reason,) = against([True] * 50 + [False] * 9)
    assert reason.startswith("People found 9 of the 59 answers bad; 10 are needed")


def test_a_generous_judge_is_told_so():
    low, leaning = against(GOOD + BAD, misses_bad=20)
    assert low.startswith("It agrees with people by a kappa of 0.33 (95 % interval")
    assert leaning == (
        "It is too generous: it passed 20 answers that people do not, and failed 0 that they do."
    )


def test_a_strict_judge_is_told_so():
    assert against(GOOD + BAD, misses_good=25, misses_bad=2)[1].startswith("It is too strict")


def test_one_that_is_wrong_both_ways_leans_nowhere():
    assert len(against(GOOD + BAD, misses_good=12, misses_bad=12)) == 1


def test_one_that_always_says_the_same_agrees_with_nobody():
    people = GOOD + BAD
    (first, *_) = reasons_against(measured_alone([True] * 60, people))
    assert "kappa of 0.00" in first


def test_a_high_kappa_of_few_answers_is_not_enough():
    people = [True] * 20 + [False] * 10
    found = against(people, misses_good=3, misses_bad=2)
    assert len(found) == 1
    assert found[0].startswith("Its kappa of 0.63 could as well be 0.3")


def drawn(roll, pairs=60):
    return [roll.choice(OUTCOMES) for _ in range(pairs)]


def swapped(outcomes):
    return list(outcomes)


def of_two(judge, people, again=None):
    return reasons_against(measured_of_two(judge, people, judge, swapped(again or judge)))


def test_a_judge_of_two_that_keeps_to_its_verdict_and_agrees_is_trusted():
    people = drawn(repeatable(1))
    judge = [("tie" if n % 6 == 0 else one) for n, one in enumerate(people)]
    assert of_two(judge, people) == []


def test_a_judge_that_goes_by_the_place_is_refused_and_told_which():
    roll = repeatable(2)
    people = drawn(roll)
    found = of_two(["first"] * 60, people, ["second"] * 60)
    assert found[-1] == (
        "It said the same of 0 % of 60 pairs when their order was swapped; 75 % are asked for. "
        "It prefers what stands first: 60 of the 60 times it changed its mind."
    )
    late = of_two(["second"] * 60, people, ["first"] * 60)
    assert "prefers what stands second" in late[-1]


def test_one_that_wavers_is_refused_without_a_place():
    roll = repeatable(3)
    people = drawn(roll)
    found = of_two(people, people, drawn(roll))
    assert len(found) == 1
    assert "prefers" not in found[0]


def test_pairs_are_counted_before_they_are_judged():
    found = of_two(["first"] * 5, ["first"] * 5)
    assert [one.partition(";")[0] for one in found] == [
        "5 pairs are judged by people and by it",
        "5 pairs were put to it in both orders",
    ]


def judged_by(roll, people, *, good, bad):
    """A judge that passes so much of what people find good, and of what they find bad."""
    return [roll.random() < (good if one else bad) for one in people]


@pytest.mark.parametrize(
    ("good", "bad", "least", "most"), [(0.95, 0.05, 0.95, 1.0), (0.9, 0.5, 0.0, 0.1)]
)
def test_simulated_judges_are_told_apart(good, bad, least, most):
    """Of 200 judges over 100 answers the fair are trusted, those who pass half the bad are not."""
    roll = repeatable(4)
    people = [True] * 50 + [False] * 50
    trusted = sum(
        not reasons_against(measured_alone(judged_by(roll, people, good=good, bad=bad), people))
        for _ in range(200)
    )
    assert least <= trusted / 200 <= most


def test_what_was_measured_is_kept_as_json():
    found = measured_alone(beside(GOOD + BAD, misses_bad=3), GOOD + BAD, 2)
    assert from_json(as_json(found)) == found
    two = measured_of_two(["first"] * 3, ["tie"] * 3, ["first"] * 3, ["first"] * 3)
    assert from_json(as_json(two)) == two
    assert from_json(as_json(Measured())) == Measured()


def test_the_page_on_evidence_says_what_is_asked_for():
    page = (ROOT / "docs" / "evidence.md").read_text()
    assert f"{FEWEST} answers or more, {FEWEST_OF_KIND} of them good" in page
    assert f"kappa {KAPPA} or more, the lower end of its interval {LEAST_KAPPA} or more" in page
    assert f"kappa {KAPPA_OF_TWO} or more, its lower end {LEAST_OF_TWO} or more" in page
    assert f"the same verdict on {100 * CONSISTENT:.0f} % of {FEWEST} pairs" in page
