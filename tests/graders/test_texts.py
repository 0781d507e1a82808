"""What our own graders say of plain texts: match, regex, length, refusal."""

import pytest

from app.graders.base import Answer
from app.graders.reading import InvalidGrader
from app.graders.regex import MOST_STEPS
from tests.graders.making import compared, ours

SQUAD = ["case", "punctuation", "articles", "space"]


@pytest.mark.parametrize(
    ("ignore", "text", "value"),
    [
        ([], "Paris", 1),
        ([], "paris", 0),
        ([], "Paris ", 0),
        (["case"], "PARIS", 1),
        (["space"], "  Paris\n", 1),
        (["punctuation"], "“Paris.”", 1),
        (["articles"], "the Paris", 0),
        (["articles", "space"], "the Paris", 1),
        (["accents"], "Párïs", 1),
        (["case"], "Párïs", 0),
        (SQUAD, "  The PARIS! ", 1),
        (SQUAD, "Paris, France", 0),
    ],
)
def test_a_match_passes_over_what_it_is_told_to(ignore, text, value):
    assert compared("match", ignore=ignore).grade({"answer": "Paris"}, Answer(text)).value == value


@pytest.mark.parametrize(
    ("pattern", "matches", "text", "value"),
    [
        (r"#\d{6}", "somewhere", "Your order #123456 is on its way.", 1),
        (r"#\d{6}", "whole", "Your order #123456 is on its way.", 0),
        (r"#\d{6}", "whole", "#123456", 1),
        (r"#\d{6}", "nowhere", "Your order #123456 is on its way.", 0),
        (r"#\d{6}", "nowhere", "Your order is on its way.", 1),
        (r"(?i)PARIS", "somewhere", "paris", 1),
        (r"^\pL+$", "somewhere", "Zürich", 1),
        (r"a.c", "whole", "a日c", 1),
        (r"", "somewhere", "", 1),
    ],
)
def test_a_regex_is_somewhere_whole_or_nowhere(pattern, matches, text, value):
    grader = ours("regex", pattern=pattern, matches=matches)

    assert grader.grade({}, Answer(text)).value == value


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*)*x", r"(x+x+)+y"])
def test_patterns_that_take_other_engines_for_ever_are_nothing_here(pattern):
    assert ours("regex", pattern=pattern).grade({}, Answer("a" * 50_000 + "b")).fault is None


def test_a_pattern_and_a_text_that_together_take_too_long_are_told():
    grader = ours("regex", pattern="(?:(?:a?){1000})b")

    score = grader.grade({}, Answer("a" * (MOST_STEPS // 1000)))

    assert score.fault is not None
    assert "too long for this pattern" in score.fault.reason


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(", "missing"),
        ("(?=a)b", "no lookaround"),
        ("(?<!a)b", "no lookaround"),
        (r"(a)\1", "no backreferences"),
        ("(?:a{1000}){1000}", "Repeat less"),
        ("a" * 2001, "2,000 characters"),
        ("\ud800", "half a character"),
    ],
)
def test_a_pattern_that_is_none_is_refused_with_the_cure(pattern, told):
    with pytest.raises(InvalidGrader, match=told) as refused:
        ours("regex", pattern=pattern)

    assert refused.value.param == "grader.pattern"


@pytest.mark.parametrize(
    ("unit", "text", "length"),
    [
        ("characters", "Zürich", 6),
        ("words", " two  words\n", 2),
        ("lines", "one\n\ntwo\n", 2),
        ("tokens", "hello world", 2),
        ("words", "", 0),
    ],
)
def test_a_length_is_counted_in_its_unit(unit, text, length):
    score = ours("length", unit=unit, least=length, most=length).grade({}, Answer(text))

    assert (score.value, score.detail) == (1, {"length": length})


@pytest.mark.parametrize(
    ("bounds", "value"), [({"least": 3}, 0), ({"most": 1}, 0), ({"least": 2}, 1), ({"most": 2}, 1)]
)
def test_a_length_has_one_bound_or_both(bounds, value):
    assert ours("length", **bounds).grade({}, Answer("two words")).value == value


@pytest.mark.parametrize("bounds", [{}, {"least": 3, "most": 2}, {"most": -1}, {"most": 1.5}])
def test_a_length_without_sensible_bounds_is_refused(bounds):
    with pytest.raises(InvalidGrader, match=r"least|most"):
        ours("length", **bounds)


def test_lengths_come_to_a_mean():
    grader = ours("length", most=2)
    scores = [grader.grade({}, Answer(text)) for text in ("one", "one two", "one two three")]

    assert grader.summary(scores).figures == {"mean_length": 2}


@pytest.mark.parametrize(
    ("text", "is_refusal"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I cannot provide medical advice.", True),
        ("I won’t write that.", True),
        ("Das kann ich leider nicht sagen.", True),
        ("Your card is on its way.", False),
        ("I can help with that.", False),
        ("Your card is on its way. " * 10 + "I can't help with that.", False),
    ],
)
def test_a_refusal_is_one_by_its_beginning(text, is_refusal):
    for wanted in (True, False):
        grader = ours("refusal", wanted=wanted, phrases=["das kann ich leider nicht"])

        assert grader.grade({}, Answer(text)).value == float(wanted == is_refusal)


def test_what_the_provider_calls_a_refusal_is_one():
    score = ours("refusal").grade({}, Answer("", refusal="I will not."))

    assert (score.value, score.detail) == (0, {"refusal": "I will not."})
