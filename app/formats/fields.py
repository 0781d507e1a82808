"""Values beside a conversation, which a grader or a template uses: told as texts, drawn by name."""

import json
from collections.abc import Iterator

from app.formats.base import JsonObject, Text
from app.formats.drawn import Field, cut

ROLE = "field"
TAG_LENGTH = 80


def texts_of(item: JsonObject, above: str = "") -> list[Text]:
    """Every text in these values, however deep, under its path."""
    return list(_texts(item, above))


def fields_in(item: JsonObject) -> tuple[Field, ...]:
    """Each value by its name; what is no text as JSON."""
    return tuple(Field(name, cut(_written(value))) for name, value in item.items())


def tags_of(item: JsonObject) -> tuple[tuple[str, str], ...]:
    """What may sort rows into kinds, each once: a field's name and its short value, or each short
    entry where it is a list.
    """
    short = (
        (name, _written(one))
        for name, value in item.items()
        for one in (value if isinstance(value, list) else (value,))
        if isinstance(one, str | int) and len(name) <= TAG_LENGTH
    )
    return tuple(dict.fromkeys(tag for tag in short if _is_tag(tag[1])))


def _is_tag(text: str) -> bool:
    return 0 < len(text) <= TAG_LENGTH and "\n" not in text


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(value: object, field: str) -> Iterator[Text]:
    if isinstance(value, str):
        if value:
            yield Text(field, ROLE, value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{field}.{name}" if field else name)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _texts(inner, f"{field}[{at}]")
