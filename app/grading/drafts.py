"""What was typed into the boxes of a grader's form, read as the grader's JSON; pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.core.errors import ProductError
from app.core.views import FormState
from app.graders.base import Grader, JsonObject
from app.graders.multi import Multi
from app.graders.registry import SINGLE
from app.graders.sampling import SamplingParams
from app.graders.settings import Kind, Setting, settings_of
from app.grading.boxes import KEPT

TYPES: dict[str, type[Grader]] = {**SINGLE, "multi": Multi}
MOST_MESSAGES, MOST_PARTS = 20, 10
NEEDED, NUMBER_NEEDED = "This is needed.", "A number is needed, with a point for decimals."
_DEPTH = {"messages": 3, "sampling": 2}
"""How many steps of a path lead to a box, where it is not one."""
ROLES = ("user", "system", "developer", "assistant")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[-+]?\d{1,15}", re.ASCII)

Values = Mapping[str, str]
Library = Mapping[str, JsonObject]
"""Graders that a formula may take, by their ids as text."""


@dataclass(frozen=True)
class Typed(FormState):
    """A grader's form as it came: `body` is its JSON, right or wrong."""

    kind: type[Grader] = Grader
    body: JsonObject = field(default_factory=dict)

    def refused(self, error: ProductError) -> "Typed":
        """The same with what was found wrong, each beside its box."""
        found = [
            (box, item.message)
            if (box := item.field.partition(".")[2]) in self.errors
            else _box_of(item.field, item.message, self.kind)
            for item in error.errors
        ]
        return replace(self, errors=dict(found) or {"": error.message})


class Mistyped(Exception):
    """What stands in the box `field` cannot be read."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field, self.words = field, words


def read(kind: type[Grader], values: Values, library: Library) -> Typed:
    """What was typed as JSON, and what is wrong by field. What is as it would be anyway is left
    out.
    """
    body: JsonObject = {"type": next(name for name, one in TYPES.items() if one is kind)}
    errors: dict[str, str] = {}
    for one in settings_of(kind):
        try:
            value = _READERS.get(one.kind, _text)(one, values, library)
        except Mistyped as wrong:
            errors[wrong.field] = wrong.words
            continue
        if value is None and one.is_required:
            errors[one.name] = NEEDED
        elif value is not None and (one.is_required or value != one.default):
            body[one.name] = value
    return Typed(values, errors, kind, body)


def _box_of(path: str, message: str, kind: type[Grader]) -> tuple[str, str]:
    """The box that a grader's fault is about, "" where it is about all, and the words for it."""
    if path == "connection_id":  # stands beside the grader's JSON
        return path, message
    box = re.sub(r"\[(\d+)\]", r".\1", path.partition(".")[2])
    words = message.partition("': ")[2] if message.startswith("Invalid '") else message
    one = next((s for s in settings_of(kind) if s.name == box.split(".")[0]), None)
    if one is None:
        return "", words
    return ".".join(box.split(".")[: _DEPTH.get(one.kind, 1)]), words


def message_rows(values: Values, name: str) -> range:
    """The rows that the form draws for messages: those there are, and one to fill."""
    return _rows(values, name, "content", least=2, most=MOST_MESSAGES)


def part_rows(values: Values, name: str) -> range:
    """The rows that the form draws for a formula's graders."""
    return _rows(values, name, "from", least=3, most=MOST_PARTS)


def _rows(values: Values, name: str, last: str, *, least: int, most: int) -> range:
    filled = [n for n in range(most) if values.get(f"{name}.{n}.{last}")]
    return range(min(most, max(least, (filled[-1] if filled else -1) + 2)))


def _text(one: Setting, values: Values, _: Library) -> Any:
    text = values.get(one.name, "").replace("\r\n", "\n")
    stripped = text.strip()
    if not stripped:
        return None
    return stripped if one.kind in {"text", "choice", "formula"} else text


def _texts(one: Setting, values: Values, _: Library) -> list[str] | None:
    lines = [line.strip() for line in values.get(one.name, "").splitlines()]
    return [line for line in lines if line] or None


def _choices(one: Setting, values: Values, _: Library) -> list[str]:
    return [choice.value for choice in one.choices if values.get(f"{one.name}.{choice.value}")]


def _switch(one: Setting, values: Values, _: Library) -> bool:
    return bool(values.get(one.name))


def _number_at(field: str, values: Values) -> int | float | None:
    text = values.get(field, "").strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise Mistyped(field, NUMBER_NEEDED)
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _number(one: Setting, values: Values, _: Library) -> int | float | None:
    found = _number_at(one.name, values)
    _check_bounds(one, found, one.name)
    return found


def _integer(one: Setting, values: Values, _: Library) -> int | None:
    found = _number_at(one.name, values)
    if isinstance(found, float):
        raise Mistyped(one.name, "A whole number is needed.")
    _check_bounds(one, found, one.name)
    return found


def _check_bounds(one: Setting, found: float | None, field: str) -> None:
    if found is None:
        return
    if one.minimum is not None and found < one.minimum:
        raise Mistyped(field, f"At least {one.minimum:g}.")
    if one.maximum is not None and found > one.maximum:
        raise Mistyped(field, f"At most {one.maximum:g}.")


def _range(one: Setting, values: Values, _: Library) -> list[float] | None:
    ends = [_number_at(f"{one.name}.{n}", values) for n in range(2)]
    if ends == [None, None]:
        return None
    if None in ends:
        raise Mistyped(one.name, "A range has two numbers.")
    return [end for end in ends if end is not None]


def _json(one: Setting, values: Values, _: Library) -> Any:
    return json_at(one.name, values)


def json_at(field: str, values: Values) -> Any:
    """The JSON in a box; None of an empty one. Raises Mistyped, saying where it stops."""
    text = values.get(field, "")
    if not text.strip():
        return None
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Mistyped(field, f"This is not JSON: {error.msg}, at {where}.") from error
    except (ValueError, RecursionError) as error:
        raise Mistyped(field, "This is not JSON that can be read.") from error


def _no_number(name: str) -> None:
    raise ValueError(name)


def _messages(one: Setting, values: Values, _: Library) -> list[JsonObject] | None:
    found = []
    for n in range(MOST_MESSAGES):
        at = f"{one.name}.{n}"
        content: Any = values.get(f"{at}.content", "").replace("\r\n", "\n")
        if content.strip():
            if values.get(f"{at}.is_json"):
                content = json_at(f"{at}.content", values)
            said = {"role": values.get(f"{at}.role", "user"), "content": content}
            kind = values.get(f"{at}.type")
            found.append({**said, "type": kind} if kind else said)
    return found or None


def _sampling(one: Setting, values: Values, library: Library) -> JsonObject | None:
    inner = {
        name.removeprefix(f"{one.name}."): value
        for name, value in values.items()
        if name.startswith(f"{one.name}.")
    }
    found: JsonObject = {}
    for part in settings_of(SamplingParams):
        try:
            value = _READERS.get(part.kind, _text)(part, inner, library)
        except Mistyped as wrong:
            raise Mistyped(f"{one.name}.{wrong.field}", wrong.words) from wrong
        if value is not None:
            found[part.name] = value
    return found or None


def _parts(one: Setting, values: Values, library: Library) -> dict[str, JsonObject] | None:
    found: dict[str, JsonObject] = {}
    for n in range(MOST_PARTS):
        at = f"{one.name}.{n}"
        chosen = values.get(f"{at}.from", "")
        if not chosen:
            continue
        part = json_at(f"{at}.kept", values) if chosen == KEPT else library.get(chosen)
        if not isinstance(part, dict):
            raise Mistyped(f"{at}.from", "The project has no such grader.")
        name = values.get(f"{at}.name", "").strip() or formula_name(str(part.get("name", "")))
        if name in found:
            raise Mistyped(f"{at}.name", f"'{name}' stands there twice.")
        found[name] = part
    return found or None


def formula_name(name: str) -> str:
    """A name that a formula can have, of any name."""
    word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
    return f"_{word}" if not word or word[0].isdigit() else word


_READERS: dict[Kind, Callable[[Setting, Values, Library], Any]] = {
    "texts": _texts,
    "choices": _choices,
    "switch": _switch,
    "number": _number,
    "integer": _integer,
    "range": _range,
    "json": _json,
    "messages": _messages,
    "sampling": _sampling,
    "graders": _parts,
}
