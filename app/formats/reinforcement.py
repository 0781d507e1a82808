"""Reinforcement rows as OpenAI takes them: `messages` to answer; other keys are for the grader."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.tokens import PER_ROW, Count, definition_tokens, message_tokens
from app.formats import chat_rules
from app.formats.base import Finding, JsonObject, Measured, ReadSlowly, Text, canonical
from app.formats.drawn import Drawn
from app.formats.fields import fields_in, tags_of, texts_of
from app.formats.messages import (
    Message,
    messages_in,
    objects_in,
    system_in,
    texts_in,
    told,
    tool_names_in,
    turns_in,
)
from app.formats.reading import read_object
from app.formats.words import error, quoted

_PROMPT_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})
_OTHER_ROLES = ("system", "function")


@dataclass(frozen=True, slots=True)
class ReinforcementRow:
    """A prompt, and as `item` what the grader's templates may name of the row."""

    messages: tuple[Message, ...]
    item: JsonObject
    value: JsonObject


def read(line: bytes) -> ReinforcementRow:
    """The row on this line, as far as it follows the format. Raises Unreadable."""
    return from_value(read_object(line))


def from_value(value: JsonObject) -> ReinforcementRow:
    """The typed view of a row that has been read already."""
    return ReinforcementRow(messages_in(value.get("messages")), item_of(value), value)


def item_of(value: JsonObject) -> JsonObject:
    """What stands beside the prompt."""
    return {key: inner for key, inner in value.items() if key not in _PROMPT_KEYS}


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
    for at, message in enumerate(messages if isinstance(messages, list) else []):
        role = message.get("role") if isinstance(message, dict) else None
        if role in _OTHER_ROLES:
            yield Finding(
                "reinforcement.role",
                f"messages[{at}].role",
                "warning",
                f"OpenAI's reinforcement rows know no role {quoted(role)}.",
                "Write developer for instructions, and tool for what a function answered.",
            )


class Reinforcement(ReadSlowly):
    """Reinforcement as one entry of the registry."""

    name = "reinforcement"
    title = "Reinforcement"

    def matches(self, value: Mapping[str, Any]) -> bool:
        """A conversation that ends with the user, and either has a field of its own beside it or no
        answer anywhere.
        """
        messages = objects_in(value.get("messages"))
        if not messages or messages[-1].get("role") != "user":
            return False
        has_answer = any(message.get("role") == "assistant" for message in messages)
        return not has_answer or bool(value.keys() - chat_rules.ROW_KEYS)

    def findings(self, value: JsonObject) -> list[Finding]:
        """The rules of reinforcement rows, all of them."""
        return list(_row(value))

    def texts(self, value: JsonObject) -> list[Text]:
        """The prompt, and the texts beside it."""
        return [*texts_in(value.get("messages"), "messages"), *texts_of(item_of(value))]

    def draw(self, value: JsonObject) -> Drawn:
        """The prompt, and the fields that a grader may use."""
        return Drawn(
            turns=turns_in(value.get("messages")),
            fields=fields_in(item_of(value)),
            tools=tool_names_in(value.get("tools")),
        )

    def measure(self, value: JsonObject, count: Count) -> Measured:
        """A prompt in figures; what stands beside it is not sent to the model and has no tokens."""
        row = from_value(value)
        role_tokens = tuple(
            message_tokens(message, count) for message in objects_in(value.get("messages"))
        )
        tools = value.get("tools")
        return Measured(
            tokens=PER_ROW + sum(role_tokens),
            roles=tuple(message.role for message in row.messages),
            role_tokens=role_tokens,
            trained=0,
            prompt=told(row.messages),
            rest=canonical(value),
            system=system_in(row.messages),
            answer=None,
            has_images=any(message.has_images for message in row.messages),
            has_tools=bool(tools),
            definition_tokens=definition_tokens(tools, count) if tools else 0,
            tags=tags_of(item_of(value)),
        )
