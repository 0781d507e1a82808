"""promptfoo's own results: who answered what, graded as it was graded there and as here."""

import json
from pathlib import Path

import pytest

from app.evaluations.imports.base import NotImportable
from app.evaluations.imports.reading import read
from app.graders.base import Answer
from app.graders.reading import read_grader

FILES = Path(__file__).with_name("files")
RESULTS = (FILES / "results.json").read_bytes()


def test_each_provider_is_a_contestant_with_the_answers_it_gave():
    found = read(RESULTS)
    assert (found.what, found.name) == ("results of promptfoo", "Support answers")
    echo, broken = sorted(found.contestants, key=lambda one: one.name, reverse=True)
    assert (echo.name, broken.name) == ("echo", "Broken")
    assert {one.text for one in echo.answers} == {
        found.cases[one.case].messages[0]["content"] for one in echo.answers
    }
    assert sorted(one.case for one in echo.answers) == [0, 1, 2, 3]
    assert all(one.total_ms is not None and one.error is None for one in echo.answers)
    assert all("Command failed" in one.error and one.text == "" for one in broken.answers)


def test_grades_are_kept_as_they_came_and_ours_say_the_same():
    found = read(RESULTS)
    graders = [read_grader(one) for one in found.graders]
    (echo,) = (one for one in found.contestants if one.name == "echo")
    compared = 0
    for answer in echo.answers:
        item = found.cases[answer.case].item
        assert answer.passed is False
        for grade in answer.grades:
            grader = graders[grade.place]
            if grader.obstacle():  # code, where there is no jail
                continue
            score = grader.grade(item, Answer(answer.text, seconds=(answer.total_ms or 0) / 1000))
            if grader.name == "Each test's own asserts":
                # promptfoo's sum counts javascript, which is not run here.
                assert score.fault is None
            assert grader.passes(score) == grade.passed, (grader.name, answer.text)
            compared += 1
    assert compared == 4 * sum(one.obstacle() is None for one in graders)


def test_several_answers_to_one_test_are_its_repeats_and_several_prompts_contestants():
    value = json.loads(RESULTS)
    rows = value["results"]["results"]
    other = {"raw": "Q", "label": "Other"}
    # promptfoo numbers the prompts of all providers together.
    again = [{**one, "promptIdx": one["promptIdx"] + 2, "prompt": other} for one in rows]
    value["results"]["results"] = rows + rows + again
    found = read(json.dumps(value).encode())
    assert sorted(one.name for one in found.contestants) == [
        "Broken, Answering", "Broken, Other", "echo, Answering", "echo, Other",
    ]  # fmt: skip
    assert sorted(len(one.answers) for one in found.contestants) == [4, 4, 8, 8]
    assert len(found.cases) == 4
    assert "2 prompts" in {one.place for one in found.told}


def test_an_answer_that_is_no_text_is_kept_as_json_and_odd_results_break_nothing():
    value = json.loads(RESULTS)
    value["results"]["results"] = [
        {"response": {"output": {"a": [1]}}, "success": "yes", "cost": 0.25, "latencyMs": -1},
        {"testCase": {"vars": {"q": 1}}, "vars": None, "error": "no"},
        {"provider": "x", "gradingResult": {"componentResults": [{"score": "high"}]}},
    ]
    found = read(json.dumps(value).encode()).contestants
    first, second, *_ = [answer for one in found for answer in one.answers]
    assert (first.text, first.passed, first.cost, first.total_ms) == (
        '{"a": [1]}',
        None,
        250_000,
        None,
    )
    assert second.error == "no"
    with pytest.raises(NotImportable, match="neither a configuration"):
        read(b'{"results": {"results": []}, "version": 3}')
