"""Every sentence, word by word; and that the strangest numbers still make a true one."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.evidence import words
from app.evidence.base import Interval, NonInferiority, Plan, Slice, Verdict
from app.evidence.comparison import compare, non_inferiority
from app.evidence.power import plan
from app.evidence.wins import win_rate
from app.evidence.words import notes, sentence

NAMES = ("Tuned v3", "gpt-4.1 zero-shot")


def make_verdict(**changed):
    return Verdict(
        **{
            "first": "Tuned v3",
            "second": "gpt-4.1 zero-shot",
            "measure": "passes",
            "kind": "better",
            "cases": 1319,
            "left_out": 0,
            "repeats": 1,
            "first_mean": 0.9,
            "second_mean": 0.776,
            "difference": 0.124,
            "interval": Interval(0.081, 0.167),
            "p": 0.001,
            "better_on": 200,
            "worse_on": 36,
            "equal_on": 1083,
            **changed,
        }
    )


def passes(both, first, second, neither):
    """Scores of two of whom so many cases are passed by both, by one alone, by neither."""
    return (
        [1] * both + [1] * first + [0] * second + [0] * neither,
        [1] * both + [0] * first + [1] * second + [0] * neither,
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {},
            (
                "Tuned v3 answers 12.4 points more cases correctly than gpt-4.1 zero-shot "
                "(95 % interval 8.1 to 16.7, 1,319 cases)"
            ),
        ),
        (
            {"kind": "worse", "difference": -0.124, "interval": Interval(-0.167, -0.081)},
            (
                "Tuned v3 answers 12.4 points fewer cases correctly than gpt-4.1 zero-shot "
                "(95 % interval 8.1 to 16.7, 1,319 cases)"
            ),
        ),
        (
            {"measure": "share"},
            (
                "Tuned v3 scores 12.4 points higher on average than gpt-4.1 zero-shot "
                "(95 % interval 8.1 to 16.7, 1,319 cases)"
            ),
        ),
        (
            {"measure": "number", "difference": -0.314, "interval": Interval(-0.5, -0.12)},
            (
                "Tuned v3 scores 0.31 lower on average than gpt-4.1 zero-shot "
                "(95 % interval 0.12 to 0.50, 1,319 cases)"
            ),
        ),
        (
            {"measure": "number", "difference": 1234.5, "interval": Interval(-20, 2489)},
            (
                "Tuned v3 scores 1,234 higher on average than gpt-4.1 zero-shot "
                "(95 % interval −20 to 2,489, 1,319 cases)"
            ),
        ),
        (
            {"difference": 0.0004, "interval": Interval(0.0001, 0.0007), "cases": 900_000},
            (
                "Tuned v3 answers 0.040 points more cases correctly than gpt-4.1 zero-shot "
                "(95 % interval 0.010 to 0.070, 900,000 cases)"
            ),
        ),
        (
            {"kind": "not_enough", "more_cases": 331},
            "Not enough evidence: about 340 more cases would show a difference of this size",
        ),
        (
            {"kind": "not_enough", "more_cases": 1},
            "Not enough evidence: about 1 more case would show a difference of this size",
        ),
        (
            {"kind": "not_enough", "more_cases": 12_345},
            "Not enough evidence: about 13,000 more cases would show a difference of this size",
        ),
        (
            {"kind": "no_large_difference", "interval": Interval(-0.018, 0.004)},
            (
                "No difference larger than 1.8 points between Tuned v3 and gpt-4.1 zero-shot "
                "is likely (95 % interval −1.8 to 0.4, 1,319 cases)"
            ),
        ),
        (
            {"kind": "same", "interval": Interval(-0.0021, 0.0021)},
            (
                "Tuned v3 and gpt-4.1 zero-shot did equally well in every one of 1,319 cases; "
                "no difference larger than 0.21 points is likely"
            ),
        ),
        (
            {"kind": "same", "interval": Interval(0, 0)},
            "Tuned v3 and gpt-4.1 zero-shot did equally well in every one of 1,319 cases",
        ),
        (
            {"kind": "too_few", "interval": None, "cases": 0, "difference": None},
            (
                "No case has a score of both Tuned v3 and gpt-4.1 zero-shot: "
                "there is nothing to compare"
            ),
        ),
        (
            {"kind": "too_few", "interval": None, "cases": 1},
            "1 case is too few to compare Tuned v3 and gpt-4.1 zero-shot: it takes at least 10",
        ),
        (
            {"kind": "too_few", "interval": None, "cases": 9},
            "9 cases are too few to compare Tuned v3 and gpt-4.1 zero-shot: it takes at least 10",
        ),
    ],
)
def test_a_verdict_is_said_so(changed, said):
    assert sentence(make_verdict(**changed)) == said


def test_what_was_left_out_is_said():
    first, second = passes(5, 5, 5, 5)
    one = compare([*first, 1], [*second, None], names=NAMES, measure="passes")
    assert "1 case is left out: at least one of the two has no score there." in notes(one)
    two = compare([*first, float("nan"), 1], [*second, 0, None], names=NAMES, measure="passes")
    assert "2 cases are left out: at least one of the two has no score there." in notes(two)
    assert two.cases == one.cases == 20


def test_without_enough_evidence_it_is_said_what_was_seen():
    found = compare(*passes(60, 10, 15, 15), names=NAMES, measure="passes")
    assert sentence(found).startswith("Not enough evidence: about 690 more cases")
    assert notes(found) == (
        (
            "Tuned v3 answers 5.0 points fewer cases correctly than gpt-4.1 zero-shot "
            "(95 % interval −5.0 to 14.8, 100 cases)."
        ),
    )


def test_repeats_and_the_company_of_other_comparisons_are_said():
    assert notes(make_verdict(repeats=3, adjusted_p=0.0712)) == (
        "Cases were answered up to 3 times; each case's answers are averaged.",
        "Among all the comparisons made here this difference is not shown (adjusted p 0.071).",
    )
    assert notes(make_verdict(adjusted_p=0.01)) == ()


def make_non_inferiority(**changed):
    return NonInferiority(
        **{
            "candidate": "The successor",
            "baseline": "the golden recording",
            "measure": "passes",
            "kind": "non_inferior",
            "margin": 0.02,
            "cases": 1319,
            "left_out": 0,
            "repeats": 1,
            "difference": -0.004,
            "interval": Interval(-0.013, 0.005),
            **changed,
        }
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {},
            (
                "The successor is at most 2 points worse than the golden recording, "
                "with 95 % confidence (1,319 cases)"
            ),
        ),
        (
            {"margin": 0.01, "kind": "inferior", "interval": Interval(-0.05, -0.02)},
            (
                "The successor is more than 1 point worse than the golden recording, "
                "with 95 % confidence (1,319 cases)"
            ),
        ),
        (
            {"margin": 0.025, "kind": "not_shown", "interval": Interval(-0.0341, 0.01)},
            (
                "It is not shown that the successor is at most 2.5 points worse than "
                "the golden recording: it may be up to 3.4 points worse (1,319 cases)"
            ),
        ),
        (
            {"measure": "number", "margin": 0.5},
            (
                "The successor is at most 0.5 worse than the golden recording, "
                "with 95 % confidence (1,319 cases)"
            ),
        ),
        (
            {"kind": "too_few", "interval": None, "cases": 3},
            (
                "3 cases are too few to compare The successor and the golden recording: "
                "it takes at least 10"
            ),
        ),
    ],
)
def test_non_inferiority_is_said_so(changed, said):
    if changed.get("kind") == "not_shown":
        changed |= {"candidate": "the successor"}
    assert sentence(make_non_inferiority(**changed)) == said


def test_win_rates_are_said_with_their_ties():
    assert sentence(win_rate(60, 20, 20, names=("A", "B"))) == (
        "A wins 70.0 % against B, a tie counting half "
        "(95 % interval 61.8 to 77.4, 100 cases, 20 ties)"
    )
    assert sentence(win_rate(6, 1, 5, names=("A", "B"))).endswith(
        "12 cases, 1 tie): which of the two is preferred is not shown"
    )
    assert sentence(win_rate(0, 0, 0, names=("A", "B"))) == (
        "A and B have not been compared in any case"
    )
    assert sentence(win_rate(3, 0, 0, names=("A", "B"))).endswith("is not shown")


def test_a_plan_is_said_before_it_is_paid_for():
    assert sentence(plan(200, measure="passes", varying=0.3, difference=0.05)) == (
        "200 cases would show a difference of 10.8 points four times in five; "
        "5 points would take about 940 cases"
    )
    assert sentence(plan(5, measure="passes", varying=0.3)) == (
        "5 cases would show no difference, however large"
    )
    assert sentence(Plan("number", 1, 0.3, 0.1)) == (
        "1 case would show a difference of 0.30 four times in five; "
        "no affordable number of cases would show 0.1"
    )


def test_a_slice_says_where_and_whether_it_stands_among_the_others():
    verdict = make_verdict()
    assert sentence(Slice("refund", verdict, 0.01, is_shown=True)).startswith("refund: Tuned v3")
    assert sentence(Slice("refund", verdict, 0.2, is_shown=False)).endswith(
        "1,319 cases), but not shown among all the slices"
    )


numbers = st.none() | st.sampled_from([0, 1, 0.5]) | st.floats()
pairs_of_scores = st.lists(st.tuples(numbers, numbers), max_size=30)
measures = st.sampled_from(["passes", "share", "number"])


@settings(deadline=None)
@given(pairs_of_scores, measures)
def test_any_scores_make_finite_numbers_and_sentences(scores, measure):
    first, second = [one for one, _ in scores], [other for _, other in scores]
    for found in (
        compare(first, second, names=("A", "B"), measure=measure, resamples=200),
        non_inferiority(
            first, second, names=("A", "B"), measure=measure, margin=0.1, resamples=200
        ),
    ):
        assert not {"nan", "inf"} & set(sentence(found).split())
        assert all(note.endswith(".") for note in notes(found))
        written = json.dumps(asdict(found), allow_nan=False)
        assert TypeAdapter(type(found)).validate_json(written) == found


def test_numbers_have_no_minus_nought_and_a_real_minus():
    assert words.amount(-0.0, "passes") == "0.00 points"
    assert words.amount(3e20, "number") == "3e+20"
    assert words.amount(3e-20, "number") == "3e−20"
    assert words.cases_in_words(0) == "0 cases"
