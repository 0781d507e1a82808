"""Rows of `prompt` and `completion`, as the base models took them that OpenAI has shut down."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.core.tokens import Count
from app.formats.base import Finding, JsonObject, Measured, ReadSlowly, Text, canonical
from app.formats.completion_dialects import KEYS
from app.formats.drawn import Drawn, Turn, cut
from app.formats.messages import Message, told
from app.formats.words import error, kind_of, others, quoted, short

_ROLES = ("user", "assistant")


def _row(value: JsonObject) -> Iterator[Finding]:
    for key in others(value, KEYS):
        yield error(
            "row.unknown_key",
            short(key),
            f"{quoted(key)} is not a key of a completion row.",
            f"Remove {quoted(key)}, or move it out of the training file.",
        )
    for key in KEYS:
        given = value.get(key)
        if not isinstance(given, str):
            what = "missing" if key not in value else kind_of(given)
            yield error(
                f"completion.{key}",
                key,
                f"{key} is {what}, not a text.",
                f'Write "{key}": "…".',
            )
    if value.get("completion") == "":
        yield error(
            "completion.empty",
            "completion",
            "The completion is empty, so there is nothing to learn.",
            "Write what the model should say, or drop the row.",
        )


def _texts(value: JsonObject) -> list[str]:
    return [text if isinstance(text := value.get(key), str) else "" for key in KEYS]


class Completion(ReadSlowly):
    """Prompt and completion as one entry of the registry."""

    name = "completion"
    title = "Prompt and completion"

    def matches(self, value: Mapping[str, Any]) -> bool:
        """Both keys, and neither `messages` nor a choice between answers."""
        return value.keys() >= set(KEYS)

    def findings(self, value: JsonObject) -> list[Finding]:
        """Everything wrong with a row, in its order."""
        return list(_row(value))

    def texts(self, value: JsonObject) -> list[Text]:
        """The prompt and what is to follow it."""
        pairs = zip(KEYS, _ROLES, _texts(value), strict=True)
        return [Text(key, role, text) for key, role, text in pairs if text]

    def draw(self, value: JsonObject) -> Drawn:
        """The two as a question and its answer."""
        prompt, completion = _texts(value)
        return Drawn(
            (Turn("user", cut(prompt)), Turn("assistant", cut(completion), is_trained=True))
        )

    def measure(self, value: JsonObject, count: Count) -> Measured:
        """A row in figures: the two texts, without anything around them."""
        prompt, completion = _texts(value)
        role_tokens = (count(prompt), count(completion))
        return Measured(
            tokens=sum(role_tokens),
            roles=_ROLES,
            role_tokens=role_tokens,
            trained=1,
            prompt=told([Message("user", prompt)]),
            rest=canonical(value),
            system=None,
            answer=completion.strip() or None,
        )
