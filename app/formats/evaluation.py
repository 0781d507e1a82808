"""Rows of OpenAI's Evals: `{"item": {…}}`, whose fields prompts and graders name."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.tokens import Count
from app.formats.base import Finding, JsonObject, Measured, ReadSlowly, Text, canonical
from app.formats.drawn import Drawn
from app.formats.fields import fields_in, tags_of, texts_of
from app.formats.words import error, kind_of, others, quoted, short

_KEYS = frozenset({"item", "sample"})


def _row(value: JsonObject) -> Iterator[Finding]:
    for key in others(value, _KEYS):
        yield error(
            "row.unknown_key",
            short(key),
            f"{quoted(key)} is not a key of an evaluation row.",
            f"Move {quoted(key)} into item.",
        )
    item = value.get("item")
    if not isinstance(item, dict):
        what = "missing" if "item" not in value else kind_of(item)
        yield error(
            "evaluation.item",
            "item",
            f"item is {what}, not an object of fields.",
            'Write {"item": {"question": "…", "answer": "…"}}.',
        )
    elif not item:
        yield error(
            "evaluation.empty", "item", "The item has no fields.", "Fill it, or drop the row."
        )


def _fields(value: JsonObject) -> JsonObject:
    """The item's fields, and what was sampled under that name of its own."""
    item = value.get("item")
    sample = {"sample": value["sample"]} if "sample" in value else {}
    return {**(item if isinstance(item, dict) else {}), **sample}


class Evaluation(ReadSlowly):
    """Evaluation rows as one entry of the registry."""

    name = "evaluation"
    title = "Evaluation"

    def matches(self, value: Mapping[str, Any]) -> bool:
        """An object under `item`."""
        return isinstance(value.get("item"), dict) and not value.keys() - _KEYS

    def findings(self, value: JsonObject) -> list[Finding]:
        """Everything wrong with a row, in its order."""
        return list(_row(value))

    def texts(self, value: JsonObject) -> list[Text]:
        """The texts among the fields."""
        return [text for key in ("item", "sample") for text in texts_of({key: value.get(key)})]

    def draw(self, value: JsonObject) -> Drawn:
        """The fields by name."""
        return Drawn(fields=fields_in(_fields(value)))

    def measure(self, value: JsonObject, count: Count) -> Measured:
        """A row in figures; what reaches a model is the evaluation's to say, so all counts."""
        return Measured(
            tokens=sum(count(text.text) for text in self.texts(value)),
            roles=(),
            role_tokens=(),
            trained=0,
            prompt=canonical({"item": value.get("item")}),
            rest=canonical(value),
            system=None,
            answer=None,
            tags=tags_of(_fields(value)),
        )
