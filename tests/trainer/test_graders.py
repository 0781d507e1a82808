"""Graders on OpenAI's wire, by the official SDK."""

from typing import Any

import openai
import pytest
from openai.types.fine_tuning.alpha import GraderRunResponse, GraderValidateResponse

from tests.graders.making import label_model, multi, python, score_model, similarity, string_check
from tests.trainer.shapes import strictly

OWN = {"type": "number", "name": "number", "reference": "{{ item.answer }}"}
PATH = "/fine_tuning/alpha/graders"


@pytest.mark.parametrize(
    "grader",
    [
        string_check(),
        similarity("meteor"),
        similarity("cosine"),
        score_model(),
        python(),
        {**multi("same"), "graders": string_check()},
    ],
    ids=lambda grader: grader["type"],
)
def test_a_grader_of_each_type_is_validated(client: openai.OpenAI, grader):
    answer = client.fine_tuning.alpha.graders.validate(grader=grader)

    assert answer.grader is not None
    assert answer.grader.to_dict() == grader
    strictly(GraderValidateResponse, raw(client, "validate", grader=grader))


@pytest.mark.parametrize("grader", [multi(), label_model()], ids=lambda grader: grader["type"])
def test_what_the_sdks_type_leaves_out_is_validated_too(client: openai.OpenAI, grader):
    assert raw(client, "validate", grader=grader) == {"grader": grader}


def test_a_python_grader_needs_no_name_as_in_openais_guide(client: openai.OpenAI):
    grader = {"type": "python", "source": "def grade(sample, item):\n    return 1.0"}

    assert raw(client, "validate", grader=grader) == {"grader": {**grader, "name": "python"}}


@pytest.mark.parametrize(
    ("grader", "item", "sample", "reward"),
    [
        (string_check(), {"answer": "Paris"}, "Paris", 1),
        (string_check("ilike"), {"answer": "paris"}, "It is Paris.", 1),
        (similarity("rouge_l"), {"answer": "police killed the gunman"}, "police the gunman", 6 / 7),
        ({**multi("same * 2"), "graders": string_check()}, {"answer": "a"}, "a", 2),
        (OWN, {"answer": "#### 72"}, "so 72!!!", 1),
        (multi("0.5 * own", own=OWN) | {"name": "number"}, {"answer": 72}, "72", 0.5),
    ],
)
def test_a_grader_is_run(client: openai.OpenAI, grader, item, sample, reward):
    body = raw(client, "run", grader=grader, item=item, model_sample=sample)
    answer = strictly(GraderRunResponse, body)

    assert answer.reward == pytest.approx(reward)
    assert (answer.metadata.name, answer.metadata.type) == (grader["name"], grader["type"])
    assert answer.metadata.execution_time >= 0
    assert not any(value for value in body["metadata"]["errors"].values())


def test_a_multi_grader_tells_the_rewards_of_its_parts(client: openai.OpenAI):
    grader: Any = multi("0.5 * same + 0.5 * near")

    answer = client.fine_tuning.alpha.graders.run(
        grader=grader, item={"answer": "Paris"}, model_sample="paris"
    )

    assert answer.sub_rewards == {"same": 0, "near": 1}
    assert answer.reward == 0.5


@pytest.mark.parametrize(
    ("grader", "fault"),
    [
        (string_check(input="{{ item.unknown }}"), "invalid_variable_error"),
        (string_check(input="{{ sample.output_json.a }}"), "sample_parse_error"),
        (multi("1 / same"), "formula_parse_error"),
        (similarity(reference="x" * 6000), "other_error"),
        (multi("same", same=string_check(input="{{ item.unknown }}")), "invalid_variable_error"),
    ],
)
def test_what_cannot_be_graded_is_told_among_the_errors(client: openai.OpenAI, grader, fault):
    body = raw(client, "run", grader=grader, item={"answer": "Paris"}, model_sample="Rome")

    assert body["reward"] == 0
    assert [name for name, value in body["metadata"]["errors"].items() if value] == [fault]
    strictly(GraderRunResponse, body)


@pytest.mark.parametrize(
    ("grader", "reason"),
    [
        (similarity("cosine"), "embeddings"),
        (score_model(), "a model that judges"),
        (label_model(), "a model that judges"),
        (multi("near", near=similarity("cosine")), "embeddings"),
        (multi("judge", judge=score_model()), "a model that judges"),
    ],
)
def test_what_does_not_run_here_is_refused_with_the_reason(client: openai.OpenAI, grader, reason):
    with pytest.raises(openai.BadRequestError, match=reason) as refused:
        raw(client, "run", grader=grader, model_sample="x")

    assert (refused.value.param, refused.value.code) == ("grader", "unsupported_grader")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "grader"),
        ({"grader": None}, "grader"),
        ({"grader": string_check("neq")}, "grader.operation"),
        ({"grader": multi("same + other")}, "grader.calculate_output"),
        ({"grader": string_check(), "model_sample": 1}, "model_sample"),
        ({"grader": string_check()}, "model_sample"),
        ({"grader": string_check(), "model_sample": "x", "item": []}, "item"),
        ({"grader": string_check(), "model_sample": "x", "items": {}}, "items"),
    ],
)
def test_a_run_that_cannot_be_names_the_parameter(client: openai.OpenAI, body, param):
    with pytest.raises(openai.BadRequestError) as refused:
        client.post(f"{PATH}/run", body=body, cast_to=object)

    assert set(refused.value.body) == {"message", "type", "param", "code"}
    assert refused.value.param == param


def raw(client: openai.OpenAI, name: str, **body: Any) -> Any:
    """The JSON of a POST, as it is on the wire."""
    return client.post(f"{PATH}/{name}", body=body, cast_to=object)
