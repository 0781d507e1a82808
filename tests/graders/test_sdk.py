"""The official SDK's grader types and ours are the same, field by field and both ways."""

import typing

import pytest
from openai.types import eval_create_response as evals
from openai.types import graders as sdk

from app.graders.multi import Multi
from app.graders.reading import read_grader
from app.graders.registry import OPENAIS
from tests.graders.making import label_model, python, score_model, similarity, string_check
from tests.trainer.shapes import strictly

AUDIO = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}
IMAGE = {"type": "input_image", "image_url": "{{ item.url }}", "detail": "high"}
TEXT = {"type": "input_text", "text": "{{ item.question }}"}
OUTPUT = {"type": "output_text", "text": "{{ sample.output_text }}"}
ALL_PARTS = [
    {"role": "system", "content": "Judge.", "type": "message"},
    {"role": "developer", "content": TEXT},
    {"role": "user", "content": [TEXT, IMAGE, AUDIO, "and"]},
    {"role": "assistant", "content": OUTPUT},
]
SAMPLING = {
    "seed": 1,
    "top_p": 0.5,
    "temperature": 0.0,
    "max_completions_tokens": 9,
    "reasoning_effort": "high",
}
SINGLE = {"graders": string_check(), "calculate_output": "same"}


def model_input(body):
    return {**body, "input": ALL_PARTS}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        *((sdk.StringCheckGrader, string_check(name)) for name in ("eq", "ne", "like", "ilike")),
        *(
            (sdk.TextSimilarityGrader, similarity(metric))
            for metric in ("cosine", "fuzzy_match", "bleu", "gleu", "meteor", "rouge_5", "rouge_l")
        ),
        (sdk.ScoreModelGrader, model_input(score_model(sampling_params=SAMPLING))),
        (sdk.LabelModelGrader, model_input(label_model())),
        (sdk.PythonGrader, python(image_tag="2025-05-08")),
        (sdk.MultiGrader, {"type": "multi", "name": "m", **SINGLE}),
        (evals.TestingCriterionEvalGraderTextSimilarity, similarity(pass_threshold=0.5)),
        (evals.TestingCriterionEvalGraderScoreModel, model_input(score_model(pass_threshold=5.0))),
        (evals.TestingCriterionEvalGraderPython, python(pass_threshold=0.5)),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_the_sdks_graders_round_trip_through_ours(kind, body):
    ours = read_grader(body).written()
    theirs = strictly(kind, ours)

    assert ours == body
    assert read_grader(theirs.to_dict()).written() == theirs.to_dict()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (sdk.StringCheckGrader, OPENAIS["string_check"]),
        (evals.TestingCriterionEvalGraderTextSimilarity, OPENAIS["text_similarity"]),
        (evals.TestingCriterionEvalGraderScoreModel, OPENAIS["score_model"]),
        (sdk.LabelModelGrader, OPENAIS["label_model"]),
        (evals.TestingCriterionEvalGraderPython, OPENAIS["python"]),
        (sdk.MultiGrader, Multi),
    ],
)
def test_ours_have_the_sdks_fields_and_values_and_no_more(theirs, ours):
    assert theirs.model_fields.keys() == ours.model_fields.keys()
    for name, field in theirs.model_fields.items():
        if typing.get_origin(field.annotation) is typing.Literal:
            known = typing.get_args(ours.model_fields[name].annotation)
            assert set(typing.get_args(field.annotation)) == set(known)


def test_the_sdk_knows_no_grader_that_we_do_not():
    union = typing.get_args(sdk.multi_grader.Graders)
    kinds = {typing.get_args(kind.model_fields["type"].annotation)[0] for kind in union}

    assert kinds == OPENAIS.keys()
