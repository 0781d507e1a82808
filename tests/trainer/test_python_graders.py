"""The team's own code on the wire: run by the official SDK, its errors in OpenAI's fields."""

from typing import Any

import openai
import pytest
from openai.types.fine_tuning.alpha import GraderRunResponse

from app.core import jail
from tests.graders.making import python
from tests.trainer.shapes import strictly

if lacks := jail.obstacle():
    pytest.skip(lacks, allow_module_level=True)

SOURCE = """
def grade(sample, item):
    return sample["output_json"]["sum"] / item["most"]
"""


def run(client: openai.OpenAI, sample: str) -> Any:
    item = {"most": 4}
    body = {"grader": python(SOURCE), "item": item, "model_sample": sample}
    told = client.post("/fine_tuning/alpha/graders/run", body=body, cast_to=object)
    strictly(GraderRunResponse, told)
    return told


def test_it_is_run(client: openai.OpenAI):
    told = run(client, '{"sum": 3}')

    assert told["reward"] == 0.75
    assert not any(told["metadata"]["errors"].values())


def test_what_it_raises_is_told_in_openais_fields(client: openai.OpenAI):
    told = run(client, "no JSON")
    errors = {name: value for name, value in told["metadata"]["errors"].items() if value}

    assert told["reward"] == 0
    assert errors == {
        "python_grader_runtime_error": True,
        "python_grader_runtime_error_details": (
            "Line 3: TypeError: 'NoneType' object is not subscriptable"
        ),
    }
