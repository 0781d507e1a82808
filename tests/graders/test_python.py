"""The team's own code, run: what it is given, what it may return, what of it is told."""

import pytest

from app.core import jail
from app.graders.base import Answer
from app.graders.reading import read_grader
from tests.graders.making import multi, python, string_check

if lacks := jail.obstacle():
    pytest.skip(lacks, allow_module_level=True)


def grade(expression: str, item=None, answer: Answer | None = None):
    source = f"def grade(sample, item):\n    return {expression}\n"
    return read_grader(python(source)).grade(item or {}, answer or Answer("Paris"))


@pytest.mark.parametrize(
    ("returned", "score"), [("1", 1), ("0.25", 0.25), ("True", 1), ("0", 0), ("1e-300", 1e-300)]
)
def test_a_number_is_the_score(returned, score):
    assert grade(returned).value == score


def test_it_sees_the_row_and_the_answer_as_templates_do():
    call = {"id": "1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}
    answer = Answer('{"city": "Lyon"}', tool_calls=[call])
    seen = (
        "'Lyon' in sample['output_text'] and sample['output_json']['city'] == item['a']"
        " and sample['output_tools'][0]['function']['name'] == 'pay'"
        " and sample['choices'][0]['message']['content'] == sample['output_text']"
    )

    assert grade(seen, {"a": "Lyon"}, answer).value == 1
    assert grade("sample['output_json'] is None").value == 1


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("'good'", "'grade' returned \"good\", not a number."),
        ("None", "'grade' returned null, not a number."),
        ("[1]", "'grade' returned [1], not a number."),
        ("float('nan')", "'grade' returned nan: a score lies between 0 and 1."),
        ("float('inf')", "'grade' returned inf: a score lies between 0 and 1."),
        ("-0.5", "'grade' returned -0.5: a score lies between 0 and 1."),
        ("10 ** 30", f"'grade' returned {10**30}: a score lies between 0 and 1."),
        ("item['x']", "Line 2: KeyError: 'x'"),
    ],
)
def test_what_is_no_score_is_a_fault_of_the_code(returned, words):
    score = grade(returned)

    assert score.value == 0
    assert score.fault is not None
    assert (score.fault.fault, score.fault.reason) == ("python_grader_runtime_error", words)


def test_a_half_character_reaches_it():
    assert grade("len(sample['output_text'])", answer=Answer("\ud800")).value == 1


def test_it_is_a_part_of_a_formula():
    both = read_grader(multi("0.5 * same + 0.5 * own", same=string_check(), own=python()))
    score = both.grade({"answer": "Rome"}, Answer("Paris"))

    assert (score.value, score.parts["own"].value) == (0.5, 1)


def test_its_threshold_says_what_passes():
    half = "def grade(sample, item):\n    return 0.5\n"
    kind = read_grader(python(half, pass_threshold=0.5))

    assert kind.passes(kind.grade({}, Answer("x")))
