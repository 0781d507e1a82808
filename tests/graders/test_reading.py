"""Graders are read from OpenAI's JSON and written as they were, or refused with the field named."""

import pytest

from app.graders.reading import InvalidGrader, read_grader
from tests.graders.making import label_model, multi, python, score_model, similarity, string_check


def message(content):
    """A judge asked with this content."""
    return score_model(input=[{"role": "user", "content": content}])


@pytest.mark.parametrize(
    "body",
    [
        string_check(),
        *(string_check(operation) for operation in ("ne", "like", "ilike")),
        *(similarity(f"rouge_{n}") for n in (1, 2, 3, 4, 5, "l")),
        *(similarity(metric) for metric in ("fuzzy_match", "bleu", "gleu", "meteor", "cosine")),
        similarity(pass_threshold=1),
        score_model(),
        score_model(range=None, pass_threshold=0.5, sampling_params={"reasoning_effort": "low"}),
        message("{{ item.answer }}"),
        message({"type": "input_image", "image_url": "{{ item.url }}", "detail": "low"}),
        message([{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}, "x"]),
        label_model(),
        python(image_tag="2025-05-08"),
        multi(),
        multi("judge / 7 + code + label", judge=score_model(), code=python(), label=label_model()),
        {**multi("same"), "graders": string_check()},
    ],
)
def test_what_is_read_is_written_as_it_was(body):
    assert read_grader(body).written() == body


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (None, "grader", "invalid_type"),
        ([], "grader", "invalid_type"),
        ({}, "grader.type", "missing_required_parameter"),
        ({"type": "guess"}, "grader.type", "invalid_value"),
        ({"type": []}, "grader.type", "invalid_value"),
        ({"type": "string_check"}, "grader.name", "missing_required_parameter"),
        (string_check(name=5), "grader.name", "invalid_type"),
        (string_check("neq"), "grader.operation", "invalid_value"),
        (string_check(input="{{ env.HOME }}"), "grader.input", "invalid_value"),
        (string_check(input="{{ item }}"), "grader.input", "invalid_value"),
        (string_check(input="{{ item.a | upper }}"), "grader.input", "invalid_value"),
        (string_check(input="x" * 100_001), "grader.input", "invalid_value"),
        (string_check(inputs="x"), "grader.inputs", "unknown_parameter"),
        (similarity("rouge_6"), "grader.evaluation_metric", "invalid_value"),
        (similarity(pass_threshold="1"), "grader.pass_threshold", "invalid_type"),
        ({**multi(), "graders": []}, "grader.graders", "invalid_type"),
        ({**multi("1"), "graders": {}}, "grader.graders", "invalid_value"),
        ({"type": "multi", "name": "m"}, "grader.graders", "missing_required_parameter"),
        (multi(same=string_check("is")), "grader.graders.same.operation", "invalid_value"),
        (multi(same=multi()), "grader.graders.same", "invalid_value"),
        (multi("same + "), "grader.calculate_output", "invalid_value"),
        (multi("same + other"), "grader.calculate_output", "invalid_value"),
        (score_model(model=None), "grader.model", "invalid_type"),
        (score_model(input=[]), "grader.input", "invalid_value"),
        (score_model(input=["x"]), "grader.input[0]", "invalid_type"),
        (score_model(range=[1, 0]), "grader.range", "invalid_value"),
        (score_model(range=[0, "x"]), "grader.range[1]", "invalid_type"),
        (
            score_model(sampling_params={"top": 1}),
            "grader.sampling_params.top",
            "unknown_parameter",
        ),
        (message(5), "grader.input[0].content", "invalid_value"),
        (message("{{ x }}"), "grader.input[0].content", "invalid_value"),
        (message([["x"]]), "grader.input[0].content[0]", "invalid_value"),
        (message([{"type": "video"}]), "grader.input[0].content[0]", "invalid_value"),
        (
            message([{"type": "input_text"}]),
            "grader.input[0].content[0].text",
            "missing_required_parameter",
        ),
        (label_model(labels=[]), "grader.labels", "invalid_value"),
        (label_model(passing_labels=["rude"]), "grader.passing_labels", "invalid_value"),
        (python("x" * 256_000), "grader.source", "invalid_value"),
        (python("print('no')"), "grader.source", "invalid_value"),
        ({**multi(), "calculate_output": 1}, "grader.calculate_output", "invalid_type"),
    ],
)
def test_what_is_no_grader_is_refused_with_the_field(body, param, code):
    with pytest.raises(InvalidGrader) as refused:
        read_grader(body)

    assert (refused.value.param, refused.value.code) == (param, code)
    assert refused.value.message
