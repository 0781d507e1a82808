"""Chat rows as OpenAI's supervised fine-tuning takes them: `messages`, `tools`, `weight`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.formats import chat_rules
from app.formats.base import Finding, JsonObject
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
    """One conversation. `value` is the row exactly as read; `findings` judges that, not the typed view."""

    messages: tuple[Message, ...]
    tools: tuple[JsonObject, ...] | None
    parallel_tool_calls: bool | None
    value: JsonObject


def read(line: bytes) -> ChatRow:
    """The row on this line. Raises Unreadable; a row that can be read but breaks rules is read as far as it goes."""
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
    """What stands before the last assistant message, one `role: text` a line: two rows with equal prompts ask the same."""
    last = max(
        (at for at, message in enumerate(row.messages) if message.role == "assistant"), default=None
    )
    asked = row.messages if last is None else row.messages[:last]
    return "\n".join(f"{message.role}: {message.text}" for message in asked)


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
