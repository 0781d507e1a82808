"""Chat rows as OpenAI's supervised fine-tuning takes them: `messages`, `tools`, `weight`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.tokens import PER_ROW, Count, definition_tokens, message_tokens
from app.formats import chat_quick, chat_rules
from app.formats.base import Finding, JsonObject, Measured, Text, canonical
from app.formats.drawn import Drawn
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


@dataclass(frozen=True, slots=True)
class ChatRow:
    """One conversation. `value` is the row as read; `findings` judges that, not the typed view."""

    messages: tuple[Message, ...]
    tools: tuple[JsonObject, ...] | None
    parallel_tool_calls: bool | None
    value: JsonObject


def read(line: bytes) -> ChatRow:
    """The row on this line, as far as it follows the format. Raises Unreadable."""
    return from_value(read_object(line))


def from_value(value: JsonObject) -> ChatRow:
    """The typed view of a row that has been read already."""
    tools = value.get("tools")
    parallel = value.get("parallel_tool_calls")
    return ChatRow(
        messages=messages_in(value.get("messages")),
        tools=tuple(tool for tool in tools if isinstance(tool, dict))
        if isinstance(tools, list)
        else None,
        parallel_tool_calls=parallel if isinstance(parallel, bool) else None,
        value=value,
    )


def findings(row: ChatRow) -> list[Finding]:
    """Everything OpenAI's supervised method, or a careful colleague, would say about this row."""
    return chat_rules.findings(row.value)


def trained_messages(row: ChatRow) -> tuple[Message, ...]:
    """The messages training learns, in order."""
    return tuple(message for message in row.messages if message.is_trained)


def measure(row: ChatRow, count: Count) -> Measured:
    """The statistics of a row, as far as it follows the format."""
    messages = objects_in(row.value.get("messages"))
    role_tokens = tuple(message_tokens(message, count) for message in messages)
    answers = [message for message in row.messages if message.role == "assistant"]
    tools = row.value.get("tools") or row.value.get("functions")
    return Measured(
        tokens=PER_ROW + sum(role_tokens),
        roles=tuple(message.role for message in row.messages),
        role_tokens=role_tokens,
        trained=len(trained_messages(row)),
        prompt=told(_asked(row)),
        rest=told(row.messages[len(_asked(row)) :]) if _is_plain(row) else canonical(row.value),
        system=system_in(row.messages),
        answer=answers[-1].text if answers and answers[-1].content else None,
        has_weights=any(message.weight is not None for message in row.messages),
        has_images=any(message.has_images for message in row.messages),
        has_tools=bool(tools) or any(message.tool_calls for message in row.messages),
        definition_tokens=definition_tokens(tools, count) if tools else 0,
    )


def _asked(row: ChatRow) -> tuple[Message, ...]:
    """What stands before the last answer; without an answer, everything."""
    roles = [message.role for message in row.messages]
    return row.messages[: _last(roles, "assistant")] if "assistant" in roles else row.messages


def _last(roles: list[str], role: str) -> int:
    return len(roles) - 1 - roles[::-1].index(role)


def _is_plain(row: ChatRow) -> bool:
    """Whether roles and texts are all there is to the row."""
    messages = row.value.get("messages")
    if row.value.keys() != {"messages"} or not isinstance(messages, list) or not messages:
        return False
    return all(
        isinstance(item, dict)
        and item.keys() == {"role", "content"}
        and isinstance(item["role"], str)
        and isinstance(item["content"], str)
        for item in messages
    )


class Chat:
    """Chat as one entry of the registry."""

    name = "chat"
    title = "Chat"

    def matches(self, value: Mapping[str, Any]) -> bool:
        """Any row with `messages` means to be a conversation."""
        return "messages" in value

    def findings(self, value: JsonObject) -> list[Finding]:
        """The rules of the chat format, all of them."""
        return chat_rules.findings(value)

    def texts(self, value: JsonObject) -> list[Text]:
        """What is said in the conversation."""
        return list(texts_in(value.get("messages"), "messages"))

    def draw(self, value: JsonObject) -> Drawn:
        """The conversation."""
        turns = turns_in(value.get("messages"), teaches=True)
        return Drawn(turns, tools=tool_names_in(value.get("tools")))

    def measure(self, value: JsonObject, count: Count) -> Measured:
        """A conversation in figures."""
        return measure(from_value(value), count)

    def quick(self, block: bytes, strings: Sequence[int], count: Count) -> list[Measured | None]:
        """Plain text conversations; calls, parts and anything odd go the slow way."""
        return chat_quick.quick(block, strings, count)
