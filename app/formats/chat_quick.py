"""The quick way through chat rows: plain text conversations, read and measured in one pass.

msgspec refuses what the safe reader refuses, except that it lets NUL through and takes the last of
two equal keys: the number of strings on the line shows that (see `app.formats.strings`).
"""

from typing import ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType

from app.core.tokens import PER_MESSAGE, PER_NAME, PER_ROW, Count
from app.formats.base import Measured
from app.formats.strings import UNKNOWN, count_strings
from app.formats.words import NAME

ROLE_TOKENS = 1  # each of the four roles is one token of o200k_base and cl100k_base (tested)


class _Said(msgspec.Struct, tag_field="role", forbid_unknown_fields=True):
    weight: ClassVar[UnsetType] = UNSET
    content: str
    name: str | UnsetType = UNSET


class _System(_Said, tag="system"):
    role: ClassVar[str] = "system"


class _Developer(_Said, tag="developer"):
    role: ClassVar[str] = "developer"


class _User(_Said, tag="user"):
    role: ClassVar[str] = "user"


class _Assistant(msgspec.Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True):
    role: ClassVar[str] = "assistant"
    content: str
    name: str | UnsetType = UNSET
    weight: Literal[0, 1] | UnsetType = UNSET


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[_System | _Developer | _User | _Assistant]


_decode = msgspec.json.Decoder(_Row).decode


def quick(line: bytes, count: Count, strings: int) -> Measured | None:
    """The row measured, if it is a plain conversation without anything to say about it.

    `strings` is the number of strings on the line, or UNKNOWN.
    """
    try:
        messages = _decode(line).messages
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not messages or messages[-1].role != "assistant":
        return None
    roles: list[str] = []
    said: list[str] = []
    role_tokens: list[int] = []
    expected, trained, weights = 1, 0, 0
    system = None
    for message in messages:
        content, role = message.content, message.role
        roles.append(role)
        said += (role, content)
        role_tokens.append(PER_MESSAGE + ROLE_TOKENS + count(content))
        expected += 4
        if message.name is not UNSET:
            if not NAME.match(message.name):
                return None
            role_tokens[-1] += PER_NAME + count(message.name)
            expected += 2
        if role == "assistant":
            trained += message.weight != 0
            weights += message.weight is not UNSET
        elif system is None and role != "user":
            system = content
    if strings == UNKNOWN:
        strings = count_strings(line)
    if strings != expected + weights or not _is_sound(messages, trained):
        return None
    return Measured(
        tokens=PER_ROW + sum(role_tokens),
        roles=tuple(roles),
        role_tokens=tuple(role_tokens),
        trained=trained,
        prompt="\0".join(said[:-2]).encode(),
        system=system,
        answer=said[-1],
        has_weights=weights > 0,
    )


def _is_sound(messages: list[_System | _Developer | _User | _Assistant], trained: int) -> bool:
    """Something is learned, no answer is empty, no NUL: those are findings, for the slow way."""
    if not trained:
        return False
    for message in messages:
        if "\0" in message.content or (not message.content and message.role == "assistant"):
            return False
    return True
