"""Chat rows as OpenAI's supervised fine-tuning takes them: `messages`, `tools`, `weight`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.tokens import PER_ROW, Count, definition_tokens, message_tokens
from app.formats import chat_quick, chat_rules
from app.formats.base import Finding, JsonObject, Measured, canonical
from app.formats.reading import read_object


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it was written; a value of a type that has no place there reads as None."""

    role: str
    content: str | list[Any] | None
    name: str | None = None
    weight: int | None = None
    tool_calls: list[Any] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        """The content as one text: the text parts of a list joined, images and sounds left out."""
        if isinstance(self.content, str):
            return self.content
        parts = self.content or []
        return "".join(
            part["text"]
            for part in parts
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )

    @property
    def is_trained(self) -> bool:
        """Whether training learns this message: an assistant's, unless its weight is 0."""
        return self.role == "assistant" and self.weight != 0


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
    messages = value.get("messages")
    tools = value.get("tools")
    parallel = value.get("parallel_tool_calls")
    return ChatRow(
        messages=tuple(_message(item) for item in messages if isinstance(item, dict))
        if isinstance(messages, list)
        else (),
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


def prompt_text(row: ChatRow) -> str:
    """What stands before the last answer, one `role: text` a line, as people read it."""
    return "\n".join(f"{message.role}: {message.text}" for message in _asked(row))


def measure(row: ChatRow, count: Count) -> Measured:
    """The statistics of a row, as far as it follows the format."""
    written = row.value.get("messages")
    messages = (
        [item for item in written if isinstance(item, dict)] if isinstance(written, list) else []
    )
    role_tokens = tuple(message_tokens(message, count) for message in messages)
    answers = [message for message in row.messages if message.role == "assistant"]
    instructions = (message for message in row.messages if message.role in {"system", "developer"})
    system = min(instructions, key=lambda message: message.role != "system", default=None)
    tools = row.value.get("tools") or row.value.get("functions")
    return Measured(
        tokens=PER_ROW + sum(role_tokens),
        roles=tuple(message.role for message in row.messages),
        role_tokens=role_tokens,
        trained=len(trained_messages(row)),
        prompt=_told(_asked(row)),
        rest=_told(row.messages[len(_asked(row)) :]) if _is_plain(row) else canonical(row.value),
        system=system.text if system else None,
        answer=answers[-1].text if answers and answers[-1].content else None,
        has_weights=any(message.weight is not None for message in row.messages),
        has_images=any(_has_images(message.content) for message in row.messages),
        has_tools=bool(tools) or any(message.tool_calls for message in row.messages),
        definition_tokens=definition_tokens(tools, count) if tools else 0,
    )


def _asked(row: ChatRow) -> tuple[Message, ...]:
    """What stands before the last answer; without an answer, everything."""
    roles = [message.role for message in row.messages]
    return row.messages[: _last(roles, "assistant")] if "assistant" in roles else row.messages


def _last(roles: list[str], role: str) -> int:
    return len(roles) - 1 - roles[::-1].index(role)


def _told(messages: tuple[Message, ...]) -> bytes:
    """Roles, then texts, in bytes that are equal for equal messages alone: no text holds NUL."""
    roles = [message.role for message in messages]
    return "\0".join((*roles, "", *(message.text for message in messages))).encode()


def _is_plain(row: ChatRow) -> bool:
    """Whether roles and texts are all there is to the row."""
    return row.value.keys() == {"messages"} and all(
        isinstance(item, dict)
        and item.keys() == {"role", "content"}
        and isinstance(item["role"], str)
        and isinstance(item["content"], str)
        for item in row.value["messages"] or [None]
    )


def _has_images(content: str | list[Any] | None) -> bool:
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") == "image_url" for part in content
    )


def _message(item: JsonObject) -> Message:
    role, content, weight = item.get("role"), item.get("content"), item.get("weight")
    calls = item.get("tool_calls")
    return Message(
        role=role if isinstance(role, str) else "",
        content=content if isinstance(content, str | list) else None,
        name=_text(item, "name"),
        weight=weight if isinstance(weight, int) and not isinstance(weight, bool) else None,
        tool_calls=calls if isinstance(calls, list) else None,
        tool_call_id=_text(item, "tool_call_id"),
        refusal=_text(item, "refusal"),
    )


def _text(item: JsonObject, key: str) -> str | None:
    value = item.get(key)
    return value if isinstance(value, str) else None


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

    def measure(self, value: JsonObject, count: Count) -> Measured:
        """A conversation in figures."""
        return measure(from_value(value), count)

    def quick(self, block: bytes, strings: Sequence[int], count: Count) -> list[Measured | None]:
        """Plain text conversations; calls, parts and anything odd go the slow way."""
        return chat_quick.quick(block, strings, count)
