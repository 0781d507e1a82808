"""Every grader tells its settings, for forms to draw, and what it tells makes a grader."""

import pytest

from app.graders.multi import Multi
from app.graders.reading import InvalidGrader, read_grader
from app.graders.registry import SINGLE
from app.graders.sampling import SamplingParams
from app.graders.settings import KINDS, settings_of
from tests.graders.making import label_model, score_model, string_check

EVERY = {**SINGLE, "multi": Multi}


@pytest.mark.parametrize("kind", EVERY)
def test_every_setting_can_be_shown(kind):
    grader = EVERY[kind]

    assert grader.title
    assert grader.purpose.endswith(".")
    for setting in settings_of(grader):
        assert setting.label
        assert setting.help.endswith(".")
        assert setting.kind in KINDS
        assert bool(setting.choices) == (setting.kind in ("choice", "choices"))
    assert grader.__module__ == f"app.graders.{kind}"


@pytest.mark.parametrize("kind", EVERY)
def test_the_choices_are_all_that_may_be_chosen(kind):
    shapes = EVERY[kind].model_json_schema()["properties"]
    for setting in settings_of(EVERY[kind]):
        if setting.choices:
            shape = shapes[setting.name]
            allowed = shape.get("enum") or shape["items"]["enum"]
            assert [choice.value for choice in setting.choices] == allowed


@pytest.mark.parametrize("kind", sorted(EVERY.keys() - {"score_model", "label_model", "multi"}))
def test_examples_and_defaults_are_a_grader(kind):
    body = {"type": kind, "name": "mine"}
    for setting in settings_of(EVERY[kind]):
        first = setting.choices[0].value if setting.kind == "choice" else setting.example
        value = setting.default if first is None else first
        if value is not None and setting.name != "name":
            body[setting.name] = value

    assert read_grader(body).written() == body


def test_a_form_asks_for_the_name_first_and_the_threshold_last():
    names = [setting.name for setting in settings_of(SINGLE["text_similarity"])]

    assert names == ["name", "input", "reference", "evaluation_metric", "pass_threshold"]


def test_the_sampling_of_a_judge_can_be_shown_as_well():
    settings = {setting.name: setting for setting in settings_of(SamplingParams)}

    assert settings.keys() == SamplingParams.model_fields.keys()
    assert settings["max_completions_tokens"].minimum == 1
    assert [choice.value for choice in settings["reasoning_effort"].choices][-1] == "max"


def test_bounds_are_told():
    settings = {setting.name: setting for setting in settings_of(SINGLE["number"])}

    assert (settings["tolerance"].minimum, settings["tolerance"].default) == (0, 0)
    assert settings["reference"].is_required


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"type": "string_chek"}, "Did you mean 'string_check'?"),
        (string_check(inputs="x"), "Did you mean 'input'?"),
        (string_check("neq"), "Supported values are: 'eq', 'ne', 'like' or 'ilike'."),
        (string_check(input="{{ answer }}"), "Write {{ item.name }} or"),
        (score_model(range=[1]), "the lower first"),
        (label_model(passing_labels=["rude"]), "none of the labels: kind, curt"),
    ],
)
def test_a_wrong_setting_is_told_with_the_cure(body, told):
    with pytest.raises(InvalidGrader) as refused:
        read_grader(body)

    assert told in refused.value.message


def test_no_kind_of_setting_is_without_a_use():
    used = {setting.kind for grader in EVERY.values() for setting in settings_of(grader)}

    assert used == set(KINDS)
