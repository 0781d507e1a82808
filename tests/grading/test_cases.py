"""What a row is for a grader, and which answer stands in it."""

import json

import pytest

from app.formats.registry import FORMATS
from app.graders.base import Answer
from app.grading.cases import KNOWN, case_of

CALL = {"id": "c", "type": "function", "function": {"name": "pay", "arguments": "{}"}}


def test_every_format_can_be_graded():
    assert KNOWN.keys() == FORMATS.keys()
    for name in FORMATS:
        case_of(name, {})
        case_of(name, {"messages": 3, "item": [], "input": "x", "sample": 1, "prompt": None})


def test_a_conversation_is_its_last_answer_and_what_stands_before_it():
    said = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Pay"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
    ]
    item, answer = case_of("chat", {"messages": said, "tools": [], "city": "Bonn"})
    assert item["question"] == "Pay"
    assert item["messages"] == said[:3]
    assert item["answer"] == ""
    assert item["tool_calls"] == [CALL]
    assert item["city"] == "Bonn"
    assert "tools" not in item
    assert answer == Answer("", (CALL,))


def test_what_the_row_itself_calls_so_wins():
    said = [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "It is 4."}]
    item, answer = case_of("chat", {"messages": said, "answer": "4"})
    assert item["answer"] == "4"
    assert answer == Answer("It is 4.")


def test_a_conversation_without_an_answer_has_none():
    item, answer = case_of("chat", {"messages": [{"role": "user", "content": "Hi"}]})
    assert answer is None
    assert item["question"] == "Hi"


@pytest.mark.parametrize(
    "row",
    [
        {
            "input": {"messages": [{"role": "user", "content": "Q"}]},
            "preferred_output": [{"role": "assistant", "content": "good"}],
            "non_preferred_output": [{"role": "assistant", "content": "bad"}],
        },
        {"prompt": "Q", "chosen": "good", "rejected": "bad"},
    ],
)
def test_of_two_answers_the_preferred_is_the_rows_own(row):
    item, answer = case_of("preference", row)
    assert answer == Answer("good")
    assert (item["question"], item["answer"], item["rejected"]) == ("Q", "good", "bad")


def test_a_completion_is_a_question_and_its_answer():
    item, answer = case_of("completion", {"prompt": "Q", "completion": " A"})
    assert (item["question"], answer) == ("Q", Answer(" A"))


def test_of_rows_of_fields_one_is_the_answer():
    fields = {"question": "Q", "answer": {"city": "Bonn"}, "label": "x"}
    item, answer = case_of("evaluation", {"item": fields})
    assert item == fields
    assert answer is not None
    assert json.loads(answer.text) == {"city": "Bonn"}
    assert case_of("evaluation", {"item": fields}, "label").answer == Answer("x")
    assert case_of("evaluation", {"item": fields}, "nothing").answer is None
    asked = [{"role": "user", "content": "Q"}]
    assert case_of("reinforcement", {"messages": asked, "answer": "72"}).answer == Answer("72")


def test_what_a_model_said_in_an_evaluation_row_is_its_answer():
    sampled = {"item": {"answer": "4"}, "sample": {"output_text": "five", "output_tools": [CALL]}}
    assert case_of("evaluation", sampled).answer == Answer("five", (CALL,))
