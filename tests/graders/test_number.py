"""The last number of a text is found, and compared within a tolerance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.graders.base import Answer
from app.graders.number import last_number
from app.graders.reading import InvalidGrader
from tests.graders.making import compared


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#### 72!!!", 72),
        ("The answer is...72.", 72),
        ("It is 72, as 12 + 60 is.", 60),
        ("1,234,567.5 in all", 1234567.5),
        ("$1,000", 1000),
        ("**72**", 72),
        ("_72_", 72),
        (r"\boxed{72}", 72),
        ("是72个", 72),
        ("72kg", 72),
        ("x=-3", -3),
        ("−3 °C", -3),
        ("10-20", 20),
        ("(2)-3", 3),
        (".5", 0.5),
        ("6.02e23", 6.02e23),
        ("3/4", 4),
        ("1,2345", 2345),
        ("H2O and v2", None),
        ("none", None),
        ("", None),
        ("½ ١٢", None),
        ("1e999", None),
    ],
)
def test_the_last_number_is_found(text, number):
    assert last_number(text) == number


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=50, deadline=None)
@given(FINITE, st.sampled_from(["", "$", "= ", "#### ", "**", "是", "\n"]), st.text("!? .\n*"))
def test_a_written_number_is_read_back(number, before, after):
    assert last_number(f"{before}{number!r}{after}") == number


@settings(max_examples=50, deadline=None)
@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_thousands_may_be_parted_by_commas(number):
    assert last_number(f"It is {number:,}.") == number


@pytest.mark.parametrize(
    ("tolerances", "text", "value"),
    [
        ({}, "72", 1),
        ({}, "72.0", 1),
        ({}, "72.1", 0),
        ({}, "seventy-two", 0),
        ({"tolerance": 0.1}, "72.1", 1),
        ({"tolerance": 0.1}, "72.11", 0),
        ({"relative_tolerance": 0.01}, "72.72", 1),
        ({"relative_tolerance": 0.01}, "72.73", 0),
        ({"tolerance": 5, "relative_tolerance": 0.01}, "77", 1),
    ],
)
def test_a_number_is_compared_within_the_larger_tolerance(tolerances, text, value):
    grader = compared("number", **tolerances)

    assert grader.grade({"answer": "so it is\n#### 72"}, Answer(text)).value == value


def test_a_number_tells_what_it_saw_and_how_many_had_none():
    grader = compared("number")
    scores = [grader.grade({"answer": 72}, Answer(text)) for text in ("71", "72", "none")]

    assert [score.detail["found"] for score in scores] == [71, 72, None]
    assert grader.summary(scores).figures == {"without_number": 1}
    assert grader.summary(scores).passed == 1


def test_a_reference_without_a_number_is_a_fault_of_the_row():
    score = compared("number").grade({"answer": "many"}, Answer("72"))

    assert score.fault is not None
    assert score.fault.fault == "other_error"


@pytest.mark.parametrize("tolerance", [-1, "0.1", float("nan"), True])
def test_a_tolerance_is_a_number_from_nought(tolerance):
    with pytest.raises(InvalidGrader) as refused:
        compared("number", tolerance=tolerance)

    assert refused.value.param == "grader.tolerance"
