"""The quick way through chat rows: plain text conversations, read and measured in one pass.

msgspec refuses what the safe reader refuses, except that it lets NUL through and takes the last of
two equal keys: the number of strings on the line shows both (see `app.formats.strings`).
"""

from typing import ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType

from app.core.tokens import PER_MESSAGE, PER_NAME, PER_ROW, Count
from app.formats.base import Measured, canonical
from app.formats.strings import UNKNOWN, count_strings
from app.formats.words import NAME

ROLE_TOKENS = 1  # each of the four roles is one token of o200k_base and cl100k_base (tested)
_SAID = PER_MESSAGE + ROLE_TOKENS


class _System(msgspec.Struct, tag_field="role", tag="system", forbid_unknown_fields=True, gc=False):
    role: ClassVar[str] = "system"
    content: str
    name: str | UnsetType = UNSET


class _Developer(
    msgspec.Struct, tag_field="role", tag="developer", forbid_unknown_fields=True, gc=False
):
    role: ClassVar[str] = "developer"
    content: str
    name: str | UnsetType = UNSET


class _User(msgspec.Struct, tag_field="role", tag="user", forbid_unknown_fields=True, gc=False):
    role: ClassVar[str] = "user"
    content: str
    name: str | UnsetType = UNSET


class _Assistant(
    msgspec.Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True, gc=False
):
    role: ClassVar[str] = "assistant"
    content: str
    name: str | UnsetType = UNSET
    weight: Literal[0, 1] | UnsetType = UNSET


class _Row(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    messages: list[_System | _Developer | _User | _Assistant]


_decode = msgspec.json.Decoder(_Row).decode


_Message = _System | _Developer | _User | _Assistant


def quick(line: bytes, count: Count, strings: int) -> Measured | None:
    """The row measured, if it is a plain conversation without anything to say about it.

    `strings` is the number of strings on the line, or UNKNOWN. The key `messages` is one, and a
    message of nothing but role and content has four: a line with just as many has no name, no
    weight and no key twice.
    """
    try:
        messages = _decode(line).messages
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    contents = [message.content for message in messages]
    if not messages or messages[-1].role != "assistant" or "" in contents:
        return None
    if strings == UNKNOWN:
        strings = count_strings(line)
    plain_strings = 1 + 4 * len(messages)
    if strings == plain_strings:
        tokens = tuple([_SAID + count(content) for content in contents])
        return _measured(messages, contents, tokens)
    if strings == plain_strings + _marks(messages):
        return _with_marks(messages, contents, count)
    return None


def _measured(messages: list[_Message], contents: list[str], tokens: tuple[int, ...]) -> Measured:
    roles = tuple([message.role for message in messages])
    system = "system" if "system" in roles else "developer" if "developer" in roles else None
    return Measured(
        tokens=PER_ROW + sum(tokens),
        roles=roles,
        role_tokens=tokens,
        trained=roles.count("assistant"),
        prompt="\0".join((*roles[:-1], "", *contents[:-1])).encode(),
        rest=f"assistant\0\0{contents[-1]}".encode(),
        system=None if system is None else contents[roles.index(system)],
        answer=contents[-1],
    )


def _marks(messages: list[_Message]) -> int:
    """The strings that names and weights add: two for a name, the key alone for a weight."""
    named = sum(message.name is not UNSET for message in messages)
    return 2 * named + len(_weights(messages))


def _weights(messages: list[_Message]) -> list[int]:
    return [
        message.weight
        for message in messages
        if isinstance(message, _Assistant) and message.weight is not UNSET
    ]


def _with_marks(messages: list[_Message], contents: list[str], count: Count) -> Measured | None:
    names = [message.name for message in messages]
    if not all(name is UNSET or NAME.match(name) for name in names):
        return None
    weights = _weights(messages)
    tokens = tuple(
        _SAID + count(content) + (0 if name is UNSET else PER_NAME + count(name))
        for content, name in zip(contents, names, strict=True)
    )
    measured = _measured(messages, contents, tokens)
    trained = measured.trained - weights.count(0)
    if not trained:
        return None
    return msgspec.structs.replace(
        measured,
        trained=trained,
        rest=canonical({"messages": msgspec.to_builtins(messages)}),
        has_weights=bool(weights),
    )
