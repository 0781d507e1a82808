"""Rows of OpenAI's Evals: items are cases, samples the answers of a run that was."""

import json

import pytest

from app.evaluations.imports import rows
from app.evaluations.imports.base import NotImportable
from app.evaluations.imports.reading import read
from tests.rescue.history import RUN, an_item

RIGHT = {
    "type": "string_check",
    "name": "Exact intent",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.intent }}",
    "operation": "eq",
}


def a_row(number=0, **changes):
    return {
        "run_id": "evalrun_1",
        "data_source_idx": number,
        "item": {"question": f"Where is it {number}?", "answer": "refund"},
        "sample": {
            "input": [{"role": "user", "content": f"Where is it {number}?"}],
            "outputs": [{"role": "assistant", "content": "refund"}],
            "model": "gpt-4.1",
            "finish_reason": "stop",
            "token_usage": {"prompt_tokens": 30, "completion_tokens": 2},
        },
        "grades": {"right": 1.0, "short": 0.5},
        "passes": {"right": True, "short": False},
        **changes,
    }


def lines(*found):
    return "\n".join(map(json.dumps, found)).encode()


def test_exported_rows_become_cases_and_a_contestant_for_each_run():
    found = read(lines(a_row(0), a_row(1), a_row(0, run_id="evalrun_2")))
    assert [one.messages for one in found.cases] == [
        [{"role": "user", "content": "Where is it 0?"}],
        [{"role": "user", "content": "Where is it 1?"}],
    ]
    assert [one.reference for one in found.cases] == ["refund", "refund"]
    first, second = found.contestants
    assert [first.name, second.name] == ["gpt-4.1", "gpt-4.1 2"]
    assert [one.case for one in first.answers] == [0, 1]
    answer = first.answers[0]
    assert (answer.text, answer.passed, answer.score) == ("refund", False, 0.75)
    assert (answer.prompt_tokens, answer.completion_tokens) == (30, 2)
    assert answer.total_ms is None, "nobody wrote down how long it took"


def test_grades_stay_with_the_graders_of_their_names_and_others_are_told():
    found = read(lines(a_row()), graders=[{"type": "json_valid", "name": "right"}])
    (grade,) = found.contestants[0].answers[0].grades
    assert (grade.place, grade.value, grade.passed) == (0, 1.0, True)
    assert (
        "No grader here has its name"
        in {one.place: one.words for one in found.told}["grader short"]
    )


def test_output_items_of_the_api_are_read_too_their_graders_by_openais_longer_names():
    found = rows.read([an_item(0), an_item(2)], [RIGHT], None)
    assert [grade.passed for one in found.contestants[0].answers for grade in one.grades] == [
        True,
        False,
    ]
    assert found.contestants[0].name == "ft:gpt-4o-mini-2024-07-18:acme::Qx2"
    assert an_item(0)["run_id"] == RUN


def test_rows_that_say_not_how_they_were_asked_take_the_prompt():
    bare = {"item": {"question": "Why?", "answer": "So"}, "sample": {"output_text": "So"}}
    with pytest.raises(NotImportable, match="give a prompt"):
        read(lines(bare))
    found = read(lines(bare, {"item": {"other": 1}}), prompt="Say: {{ item.question }}")
    assert [one.messages[0]["content"] for one in found.cases] == ["Say: Why?"]
    assert found.contestants[0].answers[0].text == "So"
    assert "does not fill the prompt" in found.told[0].words
    with pytest.raises(NotImportable, match="prompt cannot be read"):
        read(lines(bare), prompt="{% evil %}")


def test_an_error_is_a_failure_and_the_empty_one_that_openai_writes_is_none():
    wrong = a_row(
        sample={"input": [{"role": "user", "content": "x"}], "error": {"message": "busy"}}
    )
    fine = a_row(1)
    fine["sample"]["error"] = {"code": "", "message": ""}
    answers = read(lines(wrong, fine)).contestants
    assert answers[0].answers[0].error == "busy" or answers[1].answers[0].error == "busy"
    assert any(
        one.error is None and one.text == "refund" for each in answers for one in each.answers
    )
