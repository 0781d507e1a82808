"""Answers against the SDK's own types, with fields it does not know forbidden."""

from typing import Any, TypeVar

import openai
from pydantic import BaseModel

Shape = TypeVar("Shape", bound=BaseModel)

# What we send that the SDK's types do not have, as "Type.field", each with its reason. None today.
EXCEPTIONS: frozenset[str] = frozenset()


def strictly(kind: type[Shape], body: Any) -> Shape:
    """The body as the SDK's type. Fails on a missing, wrong or unknown field, however deep."""
    shape = kind.model_validate(body, strict=True)
    unknown = set(_unknown(shape)) - EXCEPTIONS
    assert not unknown, unknown
    return shape


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
