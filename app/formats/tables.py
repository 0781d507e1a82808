"""Flat tables: which column is the question, which the answer; their records as chat rows."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.formats.base import JsonObject


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a table is what. `context` stands under the question; the system prompt is
    `prompt`, the same in every row, or else what `system` holds.
    """

    question: str
    answer: str
    context: str | None = None
    system: str | None = None
    prompt: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """The columns that are read."""
        names = (self.question, self.answer, self.context, self.system)
        return tuple(name for name in names if name is not None)


# Question and answer as well-known data sets call them; the first pair that is there is taken.
PAIRS = (
    ("question", "answer"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "response"),
    ("query", "answer"),
    ("query", "response"),
    ("problem", "solution"),
    ("user", "assistant"),
    ("input", "output"),
    ("input", "target"),
    ("text", "category"),
    ("text", "label"),
    ("text", "intent"),
    ("sentence", "label"),
)
_CONTEXTS = ("context", "input")
_SYSTEMS = ("system_prompt", "system")


def guess(names: Iterable[str]) -> Columns | None:
    """Which of these columns is what, by their names, however they are capitalised."""
    known = {name.strip().lower(): name for name in names}
    pair = next((pair for pair in PAIRS if known.keys() >= set(pair)), None)
    if pair is None:
        return None
    question, answer = pair
    context = next((name for name in _CONTEXTS if name in known and name not in pair), None)
    system = next((name for name in _SYSTEMS if name in known), None)
    return Columns(
        known[question],
        known[answer],
        context=known[context] if context else None,
        system=known[system] if system else None,
    )


def chat_row(record: Mapping[str, object], columns: Columns) -> JsonObject:
    """A record as a chat row; a column it does not have reads as empty."""
    question, answer, context, system = (
        "" if name is None else _text(record.get(name))
        for name in (columns.question, columns.answer, columns.context, columns.system)
    )
    system = columns.prompt or system
    instructions = [{"role": "system", "content": system}] if system else []
    asked = f"{question}\n\n{context}" if context else question
    return {
        "messages": [
            *instructions,
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answer},
        ]
    }


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
