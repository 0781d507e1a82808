"""A grader's JSON as it stands in the boxes of its form, which is drawn from its settings; pure."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from app.graders.base import Grader, JsonObject
from app.graders.sampling import SamplingParams
from app.graders.settings import Kind, settings_of

KEPT = "kept"
"""Of a formula's grader: it stays as it is, whatever became of the library's."""


def begun(kind: type[Grader]) -> dict[str, str]:
    """What the boxes of a new grader hold at first."""
    body = {
        one.name: one.default if one.example is None else one.example
        for one in settings_of(kind)
        if not (one.example is None and one.default is None)
    }
    return typed(kind, body)


def typed(kind: type[Grader], body: JsonObject) -> dict[str, str]:
    """A grader's JSON as it stands in the boxes of its form."""
    values: dict[str, str] = {}
    for one in settings_of(kind):
        value = body.get(one.name, one.default)
        if value is not None:
            values |= dict(_WRITERS.get(one.kind, _plain)(one.name, value))
    return values


def _plain(name: str, value: Any) -> Iterator[tuple[str, str]]:
    yield name, str(value)


def _write_texts(name: str, value: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield name, "\n".join(value)


def _write_choices(name: str, value: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((f"{name}.{one}", "yes") for one in value)


def _write_switch(name: str, value: bool) -> Iterator[tuple[str, str]]:
    if value:
        yield name, "yes"


def _write_number(name: str, value: float) -> Iterator[tuple[str, str]]:
    yield name, repr(value).removesuffix(".0")


def _write_range(name: str, value: Sequence[float]) -> Iterator[tuple[str, str]]:
    for n, end in enumerate(value):
        yield from _write_number(f"{name}.{n}", end)


def written(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _write_json(name: str, value: Any) -> Iterator[tuple[str, str]]:
    yield name, written(value)


def _write_messages(name: str, value: Sequence[JsonObject]) -> Iterator[tuple[str, str]]:
    for n, one in enumerate(value):
        yield f"{name}.{n}.role", one["role"]
        is_text = isinstance(one["content"], str)
        yield f"{name}.{n}.content", one["content"] if is_text else written(one["content"])
        if not is_text:
            yield f"{name}.{n}.is_json", "yes"
        if one.get("type"):
            yield f"{name}.{n}.type", one["type"]


def _write_sampling(name: str, value: JsonObject) -> Iterator[tuple[str, str]]:
    for part in settings_of(SamplingParams):
        if value.get(part.name) is not None:
            yield from _WRITERS.get(part.kind, _plain)(f"{name}.{part.name}", value[part.name])


def _write_parts(name: str, value: JsonObject) -> Iterator[tuple[str, str]]:
    parts = {value["name"]: value} if isinstance(value.get("type"), str) else value
    for n, (part_name, part) in enumerate(parts.items()):
        yield f"{name}.{n}.name", part_name
        yield f"{name}.{n}.from", KEPT
        yield f"{name}.{n}.kept", json.dumps(part, ensure_ascii=False)


_WRITERS: dict[Kind, Callable[[str, Any], Iterator[tuple[str, str]]]] = {
    "texts": _write_texts,
    "choices": _write_choices,
    "switch": _write_switch,
    "number": _write_number,
    "integer": _write_number,
    "range": _write_range,
    "json": _write_json,
    "messages": _write_messages,
    "sampling": _write_sampling,
    "graders": _write_parts,
}
