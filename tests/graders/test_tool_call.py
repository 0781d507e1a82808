"""Tool calls made are matched with the tool calls wanted."""

import json
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.graders.base import Answer
from tests.graders.making import ours

PAY = {"name": "pay", "arguments": {"amount": 5, "to": "Ada"}}
LOOK = {"name": "look_up", "arguments": {}}


def made(*calls):
    """An answer that makes these calls, as OpenAI writes them."""
    written = [
        {
            "id": "c",
            "type": "function",
            "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
        }
        for call in calls
    ]
    return Answer("", tool_calls=written)


def graded(wanted, answer, **settings):
    return ours("tool_call", reference="{{ item.calls }}", **settings).grade(
        {"calls": wanted}, answer
    )


@pytest.mark.parametrize(
    ("wanted", "calls", "value"),
    [
        ([PAY], [PAY], 1),
        ([], [], 1),
        (None, [], 1),
        ([PAY], [], 0),
        ([], [PAY], 0),
        ([PAY, LOOK], [LOOK, PAY], 1),
        ([PAY, LOOK], [PAY], 2 / 3),
        ([PAY], [PAY, PAY], 2 / 3),
        ([PAY], [{"name": "pay", "arguments": {"to": "Ada", "amount": 5.0}}], 1),
        ([PAY], [{"name": "pay", "arguments": {"to": "Ada", "amount": "5"}}], 0),
        ([PAY], [{"name": "pay", "arguments": {"to": "Ada"}}], 0),
        ([PAY], [{"name": "Pay", "arguments": PAY["arguments"]}], 0),
        (made(PAY).tool_calls, [PAY], 1),
        (PAY, [PAY], 1),
    ],
)
def test_calls_are_matched_by_name_and_arguments(wanted, calls, value):
    assert graded(wanted, made(*calls)).value == pytest.approx(value)


def test_true_is_not_one_among_arguments():
    assert (
        graded(
            [{"name": "f", "arguments": {"x": 1}}], made({"name": "f", "arguments": {"x": True}})
        ).value
        == 0
    )


def test_arguments_may_have_to_include_the_wanted_ones_or_not_count():
    some = [{"name": "pay", "arguments": {"amount": 5}}]

    assert graded(some, made(PAY)).value == 0
    assert graded(some, made(PAY), arguments="include").value == 1
    assert graded([PAY], made(*some), arguments="include").value == 0
    assert graded([PAY], made(*some), arguments="ignore").value == 1


def test_order_counts_where_it_is_asked_for():
    assert graded([PAY, LOOK], made(LOOK, PAY), order="same").value == 0.5
    assert graded([PAY, LOOK], made(PAY, PAY, LOOK), order="same").value == pytest.approx(4 / 5)


def test_a_call_that_fits_two_makes_way_for_another():
    wanted = [{"name": "f", "arguments": {}}, {"name": "f", "arguments": {"a": 1}}]
    calls = [{"name": "f", "arguments": {"a": 1}}, {"name": "f", "arguments": {"b": 2}}]

    assert graded(wanted, made(*calls), arguments="include").value == 1


CALLS = st.lists(
    st.builds(
        lambda arguments: {"name": "f", "arguments": arguments},
        st.dictionaries(st.sampled_from("abc"), st.just(1)),
    ),
    max_size=4,
)


@settings(max_examples=50, deadline=None)
@given(CALLS, CALLS)
def test_no_other_pairing_matches_more(wanted, calls):
    padded = calls + [{"name": "none", "arguments": {}}] * max(0, len(wanted) - len(calls))
    best = max(
        sum(
            one["name"] == other["name"] and one["arguments"].items() <= other["arguments"].items()
            for one, other in zip(wanted, order, strict=False)
        )
        for order in permutations(padded)
    )

    assert graded(wanted, made(*calls), arguments="include").detail["matched"] == best


@pytest.mark.parametrize("wanted", ["pay", 5, [5], [{"arguments": {}}], [{"name": 1}], [PAY] * 101])
def test_wanted_calls_that_are_none_are_a_fault_of_the_row(wanted):
    score = graded(wanted, made(PAY))

    assert score.fault is not None
    assert score.fault.fault == "other_error"


def test_calls_of_many_answers_are_added_up():
    grader = ours("tool_call", reference=json.dumps([PAY]), pass_threshold=0.6)
    scores = [grader.grade({}, answer) for answer in (made(PAY), made(PAY, LOOK), made(LOOK))]

    summary = grader.summary(scores)

    assert summary.passed == 2
    assert summary.figures == {"matched": 2, "wanted": 3, "made": 4}
