"""Answers against the SDK's own types, with fields it does not know forbidden."""

from typing import Any, TypeVar

import openai
from pydantic import BaseModel

Shape = TypeVar("Shape", bound=BaseModel)

# What we send that the SDK's types do not have, as "Type.field", each with its reason.
EXCEPTIONS: frozenset[str] = frozenset(
    {
        # OpenAI's real answers carry it, and clients read it.
        "FineTuningJob.user_provided_suffix",
        # OpenAI's guide sends it, and what was asked is answered back.
        "ReinforcementMethod.response_format",
        # By these a reinforcement's checkpoints are ranked; the type knows only losses.
        "Metrics.train_mean_reward",
        "Metrics.full_valid_mean_reward",
    }
)


def strictly(kind: type[Shape], body: Any) -> Shape:
    """The body as the SDK's type. Fails on a missing, wrong or unknown field, however deep."""
    shape = kind.model_validate(_told_otherwise(body), strict=True)
    unknown = set(_unknown(shape)) - EXCEPTIONS
    assert not unknown, unknown
    return shape


def _told_otherwise(body: Any) -> Any:
    """The two values that OpenAI's guides have and its types do not, in the types' words:
    a job that is paused, and a multi grader's graders by name instead of a single one.
    """
    if isinstance(body, list):
        return [_told_otherwise(item) for item in body]
    if not isinstance(body, dict):
        return body
    told = {name: _told_otherwise(value) for name, value in body.items()}
    if told.get("object") == "fine_tuning.job" and told.get("status") == "paused":
        told["status"] = "running"
    if told.get("type") == "multi" and "type" not in told.get("graders", {"type": ""}):
        (told["graders"], *_) = told["graders"].values()
    return told


def _unknown(value: Any) -> list[str]:
    if isinstance(value, BaseModel):
        own = [f"{type(value).__name__}.{name}" for name in value.model_extra or {}]
        return own + [
            name for field in type(value).model_fields for name in _unknown(getattr(value, field))
        ]
    if isinstance(value, list):
        return [name for item in value for name in _unknown(item)]
    return []


def raw(client: openai.OpenAI, path: str) -> Any:
    """The JSON of a GET, as it is on the wire."""
    return client.get(path, cast_to=object)
