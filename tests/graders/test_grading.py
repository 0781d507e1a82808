"""What graders say of answers, and what they say where there is nothing to grade."""

import pytest

from app.graders.base import Answer
from app.graders.reading import read_grader
from tests.graders.making import multi, similarity, string_check

CALL = {"id": "c1", "type": "function", "function": {"name": "pay", "arguments": '{"n": 1}'}}


@pytest.mark.parametrize(
    ("operation", "text", "value"),
    [
        ("eq", "Paris", 1),
        ("eq", "paris", 0),
        ("ne", "paris", 1),
        ("ne", "Paris", 0),
        ("like", "It is Paris.", 1),
        ("like", "It is paris.", 0),
        ("ilike", "IT IS PARIS.", 1),
        ("ilike", "It is Rome.", 0),
    ],
)
def test_a_string_check_compares(operation, text, value):
    grader = read_grader(string_check(operation))

    assert grader.grade({"answer": "Paris"}, Answer(text)).value == value


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{item.answer}}", "Paris"),
        ("{{ item.answer }}, {{item.answer}}", "Paris, Paris"),
        ("{{ item.deep.list[1].x }}", "here"),
        ("{{ item.deep }}", '{"list": [0, {"x": "here"}]}'),
        ("{{ item.number }}", "1.5"),
        ("{{ item.nothing }}", "null"),
        ("{{ item.yes }}", "true"),
        ("{{ item.city }}", "Zürich"),
        ("{{ item.cities }}", '["Zürich"]'),
        ("{{ sample.output_text }}", '{"a": {"b": [1, 2]}}'),
        ("{{ sample.output_json.a.b[1] }}", "2"),
        ("{{ sample.output_json.a }}", '{"b": [1, 2]}'),
        ("{{ sample.output_tools[0].function.name }}", "pay"),
        ("{{ sample.output_tools[0].function.arguments }}", '{"n": 1}'),
        ("{{ sample.choices[0].message.content }}", '{"a": {"b": [1, 2]}}'),
        ("{{ sample.choices[0].message.tool_calls[0].id }}", "c1"),
        ('{"a": "{{ item.answer }}"}', '{"a": "Paris"}'),
        ("{% if item %} {# no #} {item.answer}", "{% if item %} {# no #} {item.answer}"),
        ("", ""),
    ],
)
def test_places_in_a_text_are_filled(template, filled):
    case = {
        "answer": "Paris",
        "deep": {"list": [0, {"x": "here"}]},
        "number": 1.5,
        "nothing": None,
        "yes": True,
        "city": "Zürich",
        "cities": ["Zürich"],
    }
    grader = read_grader(string_check(input=template, reference=filled))

    score = grader.grade(case, Answer('{"a": {"b": [1, 2]}}', tool_calls=[CALL]))

    assert (score.value, score.fault) == (1, None)


def test_what_is_filled_in_is_not_filled_again():
    grader = read_grader(string_check(reference="{{ item.secret }}"))

    score = grader.grade({"answer": "x", "secret": "{{ item.answer }}"}, Answer("x"))

    assert score.value == 0


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ item.unknown }}", "invalid_variable_error"),
        ("{{ item.answer.deeper }}", "invalid_variable_error"),
        ("{{ item.__class__ }}", "invalid_variable_error"),
        ("{{ item.answer.upper() }}", "invalid_variable_error"),
        ("{{ item.answer[0] }}", "invalid_variable_error"),
        ("{{ sample.unknown }}", "invalid_variable_error"),
        ("{{ sample.output_tools[0].function.name }}", "invalid_variable_error"),
        ("{{ sample[0] }}", "invalid_variable_error"),
        ("{{ sample.output_json.a }}", "sample_parse_error"),
    ],
)
def test_a_place_that_nothing_fills_is_a_told_fault(template, fault):
    score = read_grader(string_check(input=template)).grade({"answer": "x"}, Answer("no JSON"))

    assert score.value == 0
    assert score.fault is not None
    assert score.fault.fault == fault
    assert score.fault.reason


@pytest.mark.parametrize("text", ["", "{", "NaN", "[" * 100_000, "1" * 10_000, '"\\ud800'])
def test_an_answer_that_is_no_json_is_told(text):
    grader = read_grader(string_check(input="{{ sample.output_json }}"))

    score = grader.grade({"answer": "x"}, Answer(text))

    assert score.fault is not None
    assert score.fault.fault == "sample_parse_error"


def test_a_multi_grader_weighs_its_parts():
    score = read_grader(multi()).grade({"answer": "Paris"}, Answer("paris"))

    assert score.parts["same"].value == 0
    assert score.parts["near"].value == 1
    assert score.value == 0.5


def test_a_part_without_a_score_counts_as_nothing_and_is_told():
    grader = read_grader(
        multi("same + near", same=string_check(input="{{ item.x }}"), near=similarity())
    )

    score = grader.grade({"answer": "Paris"}, Answer("Paris"))

    assert score.value == 1
    assert [fault.fault for fault in score.faults()] == ["invalid_variable_error"]


def test_a_formula_without_a_value_is_told():
    score = read_grader(multi("1 / same")).grade({"answer": "Paris"}, Answer("Rome"))

    assert score.value == 0
    assert [fault.fault for fault in score.faults()] == ["formula_parse_error"]


def test_a_multi_grader_of_one_knows_it_by_its_own_name():
    grader = read_grader({**multi("2 * same"), "graders": string_check()})

    assert grader.grade({"answer": "Paris"}, Answer("Paris")).value == 2
