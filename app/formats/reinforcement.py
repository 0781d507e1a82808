"""Reinforcement rows as OpenAI takes them: `messages` to answer; other keys are for the grader."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.formats import chat, chat_rules
from app.formats.base import Finding, JsonObject
from app.formats.reading import read_object
from app.formats.words import error

_PROMPT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})


@dataclass(frozen=True, slots=True)
class ReinforcementRow:
    """A prompt, and as `item` what the grader's templates may name of the row."""

    messages: tuple[chat.Message, ...]
    item: JsonObject
    value: JsonObject


def read(line: bytes) -> ReinforcementRow:
    """The row on this line, as far as it follows the format. Raises Unreadable."""
    return from_value(read_object(line))


def from_value(value: JsonObject) -> ReinforcementRow:
    """The typed view of a row that has been read already."""
    item = {key: inner for key, inner in value.items() if key not in _PROMPT_KEYS}
    return ReinforcementRow(chat.from_value(value).messages, item, value)


def findings(row: ReinforcementRow) -> list[Finding]:
    """Everything wrong with a row, in its order."""
    return list(_row(row.value))


def _row(value: JsonObject) -> Iterator[Finding]:
    yield from chat_rules.conversation(
        {key: inner for key, inner in value.items() if key in _PROMPT_KEYS}, set()
    )
    messages = value.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if isinstance(last, dict) and last.get("role") != "user":
        yield error(
            "reinforcement.last_not_user",
            f"messages[{len(value['messages']) - 1}].role",
            "The row does not end with the user; the model is to answer, and a grader to judge.",
            "End the row with the user's message, and put a known answer under a key of its own.",
        )
