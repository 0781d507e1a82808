"""What graders say of answers that are to be JSON."""

import re

import pytest

from app.graders.base import Answer
from app.graders.reading import InvalidGrader
from tests.graders.making import compared, ours

SCHEMA = {
    "type": "object",
    "required": ["city", "people"],
    "properties": {
        "city": {"type": "string"},
        "people": {"type": "array", "items": {"type": "integer"}},
    },
    "additionalProperties": False,
}
SUPPER = {"city": "Paris", "guests": 4, "wishes": ["window", "quiet"], "by": {"name": "Ada"}}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("any", '{"a": 1}', 1),
        ("any", " 5 ", 1),
        ("any", "NaN", 0),
        ("any", '```json\n{"a": 1}\n```', 0),
        ("any", '{"a": 1} and more', 0),
        ("any", "", 0),
        ("any", "[" * 100_000, 0),
        ("object", '{"a": 1}', 1),
        ("object", "[]", 0),
        ("array", "[]", 1),
        ("array", "{}", 0),
    ],
)
def test_json_is_valid_and_of_its_kind(kind, text, value):
    score = ours("json_valid", kind=kind).grade({}, Answer(text))

    assert (score.value, score.fault, "reason" in score.detail) == (value, None, not value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"city": "Paris", "people": [1, 2]}', None),
        ('{"city": "Paris"}', "people"),
        ('{"city": "Paris", "people": [1, "2"]}', r"At \$\.people\[1\]"),
        ('{"city": "Paris", "people": [], "more": 1}', "more"),
        ("Paris", "not JSON"),
    ],
)
def test_a_schema_allows_or_tells_where_not(text, told):
    score = ours("json_schema", json_schema=SCHEMA).grade({}, Answer(text))

    assert score.value == (told is None)
    assert re.search(told or "^$", score.detail.get("reason", ""))


def test_a_schema_that_branches_and_holds_itself_is_answered_all_the_same():
    inner = {"properties": {"a": {"$ref": "#/$defs/a"}}}
    branches = [{"minProperties": 1, **inner}, {"maxProperties": 9, **inner}]
    schema = {"$defs": {"a": {"type": "object", "anyOf": branches}}, "$ref": "#/$defs/a"}
    deep = '{"a":' * 60 + "1" + "}" * 60

    score = ours("json_schema", json_schema=schema).grade({}, Answer(deep))

    assert (score.value, score.fault) == (0, None)
    assert "too deep" in score.detail["reason"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "text"},
        {"$ref": "https://example.org/schema.json"},
        {"pattern": "(?=a)"},
        {"pattern": "(?:a{1000}){1000}"},
        {"required": "city"},
    ],
)
def test_what_is_no_schema_is_refused(schema):
    with pytest.raises(InvalidGrader, match="no JSON Schema") as refused:
        ours("json_schema", json_schema=schema)

    assert refused.value.param == "grader.json_schema"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"city": "Paris", "guests": 4, "wishes": ["quiet", "window"], "by": {"name": "Ada"}}', 1),
        (
            '{"guests": 4.0, "city": "Paris", "by": {"name":"Ada"}, "wishes": ["window","quiet"]}',
            1,
        ),
        # Four of five values of either side are shared.
        (
            '{"city": "Rome", "guests": 4, "wishes": ["window", "quiet"], "by": {"name": "Ada"}}',
            0.8,
        ),
        # Two given, both right; five wanted.
        ('{"city": "Paris", "guests": 4}', 4 / 7),
        # Three given, two right.
        ('{"city": "Paris", "guests": 4, "more": 1}', 4 / 8),
        ('{"guests": "4"}', 0),
        ('{"guests": true}', 0),
        ("{}", 0),
        ("[]", 0),
        ("no JSON", 0),
    ],
)
def test_fields_are_counted_by_f1(text, value):
    score = compared("field_f1").grade({"answer": SUPPER}, Answer(text))

    assert score.value == pytest.approx(value)


def test_objects_of_a_list_keep_their_places():
    wanted = {"people": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 40}]}
    mixed = '{"people": [{"name": "Ada", "age": 40}, {"name": "Bob", "age": 36}]}'

    assert compared("field_f1").grade({"answer": wanted}, Answer(mixed)).value == 0.5


def test_fields_tell_what_is_missing_and_what_is_too_much():
    grader = compared("field_f1", fields=["city", "guests"], ignore=["case"])

    score = grader.grade({"answer": SUPPER}, Answer('{"city": "PARIS", "guests": 5, "by": 1}'))

    assert score.value == 0.5
    assert score.detail["missing"] == ["guests = 4"]
    assert score.detail["unexpected"] == ["guests = 5"]


def test_fields_of_many_answers_have_an_f1_each():
    grader = compared("field_f1", pass_threshold=0.5)
    texts = ['{"a": 1, "b": 2}', '{"a": 1, "b": 3}', "no JSON"]
    scores = [grader.grade({"answer": {"a": 1, "b": 2}}, Answer(text)) for text in texts]

    summary = grader.summary(scores)

    assert (summary.mean, summary.passed) == (0.5, 2)
    assert summary.figures["fields"] == {
        "a": {"f1": 0.8, "given": 2, "wanted": 3},
        "b": {"f1": 0.4, "given": 2, "wanted": 3},
    }


def test_a_reference_that_is_no_json_is_a_fault_of_the_row():
    score = compared("field_f1").grade({"answer": "Paris"}, Answer("{}"))

    assert score.fault is not None
    assert "reference is not JSON" in score.fault.reason
