"""Reads a grader from OpenAI's JSON, refusing in OpenAI's words with the field named."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.graders.base import Grader, JsonObject
from app.graders.multi import Multi
from app.graders.registry import SINGLE

WANTED = {
    "string_type": "a string",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "float_type": "a number",
    "int_type": "an integer",
    "bool_type": "a boolean",
}
LONGEST_NAME = 50
KINDS = {str: "a string", bool: "a boolean", list: "an array", dict: "an object"}


class InvalidGrader(Exception):
    """This is no grader; `param` is the path of the field that is wrong."""

    def __init__(self, message: str, param: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


def read_grader(body: object, at: str = "grader") -> Grader:
    """The grader in this JSON, which stands at `at`. Raises InvalidGrader."""
    given = _object(body, at)
    if given.get("type") != "multi":
        return _single(given, at)
    return _read(Multi, {**given, "graders": _parts(given, f"{at}.graders")}, at)


def _parts(given: JsonObject, at: str) -> dict[str, Grader] | Grader:
    if "graders" not in given:
        raise _missing(at)
    parts = _object(given["graders"], at)
    if isinstance(parts.get("type"), str):
        return _single(parts, at)
    return {
        name: _single(_object(part, f"{at}.{name}"), f"{at}.{name}") for name, part in parts.items()
    }


def _single(given: JsonObject, at: str) -> Grader:
    kind = given.get("type")
    if kind is None:
        raise _missing(f"{at}.type")
    if kind == "multi":
        raise InvalidGrader("A multi grader cannot hold another multi grader.", at)
    if not isinstance(kind, str) or kind not in SINGLE:
        raise _unsupported(kind, (*SINGLE, "multi"), f"{at}.type")
    return _read(SINGLE[kind], given, at)


def _read(kind: type[Grader], given: JsonObject, at: str) -> Grader:
    try:
        return kind.model_validate(given)
    except ValidationError as wrong:
        raise _told(wrong.errors(include_url=False)[0], at, kind.model_fields) from wrong


def _told(error: ErrorDetails, at: str, fields: Iterable[str]) -> InvalidGrader:
    path = at + "".join(_spelt(step) for step in error["loc"])
    kind = error["type"]
    if kind == "missing":
        return _missing(path)
    if kind == "extra_forbidden":
        hint = _meant(error["loc"][0], fields) if len(error["loc"]) == 1 else ""
        return InvalidGrader(f"Unknown parameter: '{path}'.{hint}", path, "unknown_parameter")
    if kind in WANTED:
        return _wrong_type(path, WANTED[kind], error["input"])
    context = error.get("ctx", {})
    if kind == "literal_error":
        message = f"Invalid value: {error['input']!r}. Supported values are: {context['expected']}."
        return InvalidGrader(message, path)
    return InvalidGrader(f"Invalid '{path}': {context.get('error', error['msg'])}", path)


def _spelt(step: int | str) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return "" if step.startswith("<") else f".{step}"  # the tag of a union is no field


def _missing(path: str) -> InvalidGrader:
    return InvalidGrader(
        f"Missing required parameter: '{path}'.", path, "missing_required_parameter"
    )


def _unsupported(value: object, supported: Iterable[str], path: str) -> InvalidGrader:
    known = list(supported)
    names = ", ".join(f"'{name}'" for name in known)
    message = f"Invalid value: {value!r}. Supported values are: {names}.{_meant(value, known)}"
    return InvalidGrader(message, path)


def _meant(word: object, known: Iterable[str]) -> str:
    near = get_close_matches(str(word)[:LONGEST_NAME], list(known), 1)
    return f" Did you mean '{near[0]}'?" if near else ""


def _object(value: object, path: str) -> JsonObject:
    if isinstance(value, dict):
        return value
    raise _wrong_type(path, "an object", value)


def _wrong_type(path: str, wanted: str, value: Any) -> InvalidGrader:
    got = "null" if value is None else KINDS.get(type(value), "a number")
    message = f"Invalid type for '{path}': expected {wanted}, but got {got} instead."
    return InvalidGrader(message, path, "invalid_type")
