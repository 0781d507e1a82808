"""A grader goes into the boxes of its form and comes out the same; slips are told beside them."""

import json
import re

import pytest

from app.core.errors import WrongInput
from app.graders.multi import Multi
from app.graders.reading import read_grader
from app.graders.registry import SINGLE
from app.graders.settings import settings_of
from app.grading import service
from app.grading.boxes import begun, typed
from app.grading.drafting import as_json
from app.grading.drafts import TYPES, formula_name, read
from app.grading.forms import TryPageForm
from app.grading.starting import STARTING
from app.settings import ROOT
from tests.graders import making

GUIDE = (ROOT / "docs" / "graders.md").read_text()
WRITTEN = [
    *(json.loads(text) for text in re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)),
    *(one.grader for one in STARTING),
    making.score_model(),
    making.label_model(),
    making.multi(),
    {**making.multi("same"), "graders": making.string_check()},
]


@pytest.mark.parametrize("body", WRITTEN, ids=lambda body: f"{body['type']} {body['name']}")
def test_a_grader_comes_out_of_its_form_as_it_went_in(body):
    kind = TYPES[body["type"]]
    came = read(kind, typed(kind, read_grader(body).written()), {})
    assert came.errors == {}
    if "graders" in body and isinstance(body["graders"].get("type"), str):
        body = {**body, "graders": {body["graders"]["name"]: body["graders"]}}
    assert service.sha256_of(read_grader(came.body)) == service.sha256_of(read_grader(body))


def test_all_types_stand_in_the_guide_and_in_the_form():
    assert {body["type"] for body in WRITTEN} == TYPES.keys() == {*SINGLE, "multi"}


def test_no_setting_has_the_name_of_a_box_about_trying():
    taken = {"type", "number", *TryPageForm.model_fields}
    assert not taken & {one.name for kind in TYPES.values() for one in settings_of(kind)}


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_a_new_form_misses_only_what_nobody_can_know(kind):
    asked = {"name", "operation", "model", "input", "labels", "passing_labels", "graders"}
    came = read(kind, begun(kind), {})
    assert came.errors.keys() <= asked
    assert set(came.errors.values()) <= {"This is needed."}


def told(kind, **values):
    """What is wrong by box, of what was typed and of the grader it makes."""
    came = read(TYPES[kind], {**begun(TYPES[kind]), "name": "x", **values}, {})
    try:
        service.understood(as_json(came))
    except WrongInput as error:
        return dict(came.refused(error).errors)
    return {}


@pytest.mark.parametrize(
    ("kind", "values", "box", "words"),
    [
        ("number", {"tolerance": "1,5"}, "tolerance", "A number is needed"),
        ("number", {"tolerance": "-1"}, "tolerance", "At least 0."),
        ("length", {"most": "2.5"}, "most", "A whole number"),
        ("length", {"most": ""}, "", "Give 'least', 'most', or both."),
        ("regex", {"pattern": "("}, "pattern", "missing )"),
        ("json_schema", {"json_schema": '{"a": \n}'}, "json_schema", "line 2, column 1"),
        ("json_schema", {"json_schema": "[1]"}, "json_schema", "expected an object"),
        ("match", {"reference": "{{ answer }}"}, "reference", "is not a variable"),
        ("python", {"source": "def f(): 1"}, "source", "must define grade"),
        ("label", {"find": "within", "labels": ""}, "", "'labels' to look for"),
        (
            "score_model",
            {"model": "m", "input.0.content": "{{ x }}"},
            "input.0.content",
            "is not a variable",
        ),
        (
            "score_model",
            {"model": "m", "input.0.content": "x", "range.0": "1"},
            "range",
            "two numbers",
        ),
        (
            "score_model",
            {"model": "m", "input.0.content": "x", "sampling_params.seed": "x"},
            "sampling_params.seed",
            "A number is needed",
        ),
        ("multi", {"graders.0.from": "77"}, "graders.0.from", "no such grader"),
        ("multi", {"graders.0.from": "kept"}, "graders.0.from", "no such grader"),
    ],
)
def test_a_slip_is_told_beside_its_box(kind, values, box, words):
    errors = told(kind, **values)
    assert words in errors[box], errors


def test_a_formula_takes_graders_of_the_library_under_names_it_can_have():
    library = {"7": making.string_check(name="Is it right?")}
    values = {
        "name": "all",
        "graders.0.from": "7",
        "graders.2.from": "7",
        "graders.2.name": "again",
        "calculate_output": "Is_it_right * again",
    }
    came = read(Multi, values, library)
    assert came.errors == {}
    assert list(came.body["graders"]) == ["Is_it_right", "again"]
    assert read_grader(came.body).obstacle() is None


@pytest.mark.parametrize(
    ("name", "word"), [("right", "right"), ("4 eyes", "_4_eyes"), ("größe", "gr_e"), ("…", "_")]
)
def test_names_for_formulas(name, word):
    assert formula_name(name) == word
