"""Reads what people ask for, refusing in OpenAI's words, with the parameter named."""

import sys
from collections.abc import Mapping
from typing import Any, TypeGuard

import msgspec

from app.trainer.errors import Refusal

Body = dict[str, Any]
PAIRS_LIMIT, KEY_LIMIT, VALUE_LIMIT = 16, 64, 512
JSON_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
}


def json_object(raw: bytes) -> Body:
    """The body as a JSON object."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(f"We could not parse the JSON body of your request: {error}") from error
    if not isinstance(value, dict):
        raise Refusal("The body of the request must be a JSON object.")
    return value


def text(body: Body, name: str, above: str = "", *, required: bool = False) -> Any:
    """A field that must be a string; None where it may be missing and is. `above` names where it
    lies.
    """
    value = body.get(name)
    if value is None and not required:
        return None
    if value is None:
        raise missing(f"{above}{name}")
    if not isinstance(value, str):
        raise invalid_type(f"{above}{name}", "a string", value)
    return value


def object_in(body: Body, name: str, above: str = "") -> Body:
    """A field that must be an object; empty where it is missing. `above` names where it lies."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid_type(f"{above}{name}", "an object", value)
    return value


def metadata(value: object) -> dict[str, str] | None:
    """Up to 16 pairs of texts, keys up to 64 and values up to 512 characters."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise invalid_type("metadata", "an object", value)
    if len(value) > PAIRS_LIMIT:
        raise Refusal(f"'metadata' may have at most {PAIRS_LIMIT} pairs.", param="metadata")
    for key, text in value.items():
        if not isinstance(text, str):
            raise invalid_type(f"metadata.{key}", "a string", text)
        if len(key) > KEY_LIMIT or len(text) > VALUE_LIMIT:
            limits = f"keys {KEY_LIMIT}, values {VALUE_LIMIT}"
            message = f"'metadata' is too long; characters allowed: {limits}."
            raise Refusal(message, param="metadata")
    return value


def missing(name: str) -> Refusal:
    """OpenAI's words for what must be given and is not."""
    message = f"Missing required parameter: '{name}'."
    return Refusal(message, param=name, code="missing_required_parameter")


def invalid_type(name: str, wanted: str, value: object) -> Refusal:
    """OpenAI's words for a value of the wrong kind."""
    got = JSON_TYPES[type(value)]
    message = f"Invalid type for '{name}': expected {wanted}, but got {got} instead."
    return Refusal(message, param=name, code="invalid_type")


def whole(query: Mapping[str, str], name: str, *, default: int, least: int = 1, most: int) -> int:
    """A whole number from the query, within its range."""
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text[:12]) <= most:
        raise Refusal(f"'{name}' must be an integer between {least} and {most}.", param=name)
    return int(text)


def is_number(value: object) -> TypeGuard[int | float]:
    """A finite JSON number; a whole one that no float holds is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max


def is_whole(value: object) -> TypeGuard[int]:
    """A whole JSON number."""
    return isinstance(value, int) and not isinstance(value, bool)
