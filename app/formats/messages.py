"""The messages of a conversation in any kind of row: read, told as texts, drawn as turns."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.formats.base import JsonObject, Text
from app.formats.drawn import Attachment, Call, Turn, cut

CALL = "call"  # the role of what a model hands to a tool
_SPOKEN = {"role", "content", "name", "weight"}  # a message with no more calls nothing


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

    @property
    def has_images(self) -> bool:
        """Whether an image stands in it."""
        return isinstance(self.content, list) and any(
            isinstance(part, dict) and part.get("type") == "image_url" for part in self.content
        )


def objects_in(value: object) -> list[JsonObject]:
    """The objects of a list, which anything may be."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def messages_in(value: object) -> tuple[Message, ...]:
    """The typed view of a list of messages, as far as it is one."""
    return tuple(_message(item) for item in objects_in(value))


def system_in(messages: Sequence[Message]) -> str | None:
    """The system prompt, or where there is none what the developer says."""
    instructions = (message for message in messages if message.role in {"system", "developer"})
    first = min(instructions, key=lambda message: message.role != "system", default=None)
    return first.text if first else None


def told(messages: Sequence[Message]) -> bytes:
    """Roles, then texts, in bytes that are equal for equal messages alone: no text holds NUL."""
    roles = [message.role for message in messages]
    return "\0".join((*roles, "", *(message.text for message in messages))).encode()


def texts_in(value: object, field: str, role: str | None = None) -> Iterator[Text]:
    """Every text of the list of messages that stands at `field`; `role` in place of their own."""
    if not isinstance(value, list):
        return
    for at, message in enumerate(value):
        if isinstance(message, dict):
            yield from _texts(message, f"{field}[{at}]", role)


def turns_in(value: object, *, teaches: bool = False) -> tuple[Turn, ...]:
    """A list of messages drawn; whether it `teaches`, its answers are trained on."""
    return tuple(_turn(item, teaches) for item in objects_in(value))


def tool_names_in(value: object) -> tuple[str, ...]:
    """The names of a row's tools."""
    functions = (tool.get("function") for tool in objects_in(value))
    return tuple(
        str(function["name"])
        for function in functions
        if isinstance(function, dict) and "name" in function
    )


def _message(item: JsonObject) -> Message:
    content, weight = item.get("content"), item.get("weight")
    calls = item.get("tool_calls")
    return Message(
        role=_text(item, "role") or "",
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


def _texts(message: JsonObject, field: str, role: str | None) -> Iterator[Text]:
    role = role or _text(message, "role") or ""
    content = message.get("content")
    if isinstance(content, str):
        if content:
            yield Text(f"{field}.content", role, content)
    elif isinstance(content, list):
        for at, part in enumerate(content):
            for key in ("text", "refusal"):
                if isinstance(part, dict) and (text := _text(part, key)):
                    yield Text(f"{field}.content[{at}].{key}", role, text)
    if refusal := _text(message, "refusal"):
        yield Text(f"{field}.refusal", role, refusal)
    for where, function in _called(message):
        if arguments := _text(function, "arguments"):
            yield Text(f"{field}.{where}.arguments", CALL, arguments)


def _called(message: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """The functions a message calls, each with its place."""
    if message.keys() <= _SPOKEN:
        return
    calls = message.get("tool_calls")
    for at, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict) and isinstance(call.get("function"), dict):
            yield f"tool_calls[{at}].function", call["function"]
    if isinstance(message.get("function_call"), dict):
        yield "function_call", message["function_call"]


def _turn(item: JsonObject, teaches: bool) -> Turn:
    message = _message(item)
    return Turn(
        role=message.role,
        text=cut(message.text or message.refusal or ""),
        is_trained=teaches and message.is_trained,
        weight=message.weight,
        name=message.name or message.tool_call_id,
        calls=tuple(_call(function) for _, function in _called(item)),
        attachments=tuple(_attachments(message.content)),
    )


def _call(function: JsonObject) -> Call:
    arguments = function.get("arguments")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return Call(str(function.get("name") or "unnamed"), cut(written))


def _attachments(content: str | list[Any] | None) -> Iterator[Attachment]:
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "image_url":
            yield _image(part.get("image_url"))
        elif kind in ("input_audio", "file"):
            yield Attachment("audio" if kind == "input_audio" else "file")


def _image(value: object) -> Attachment:
    image = value if isinstance(value, dict) else {}
    url, detail = _text(image, "url") or "", _text(image, "detail")
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        media_type = head.removeprefix("data:").partition(";")[0]
        size = len(data.rstrip("=")) * 3 // 4
        return Attachment("image", size=size, media_type=media_type or None, detail=detail)
    return Attachment("image", host=_host(url), detail=detail)


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # brackets that hold no address
        return None
