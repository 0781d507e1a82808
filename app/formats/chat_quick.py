"""The quick way through chat rows: plain text conversations, read and measured in one pass.

msgspec refuses what the safe reader refuses, except that it takes the last of two equal keys and
lets NUL through. A duplicate key leaves more strings on the line than the row has, so counting the
line's unescaped quotes proves that there is none.
"""

from typing import ClassVar, Literal

import msgspec
from msgspec import UNSET, UnsetType

from app.core.tokens import PER_MESSAGE, PER_NAME, PER_ROW, Count
from app.formats.base import Measured
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


def quick(line: bytes, count: Count) -> Measured | None:
    """The row measured, if it is a plain conversation without anything to say about it."""
    try:
        messages = _decode(line).messages
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not messages or messages[-1].role != "assistant" or b"\\u0000" in line:
        return None
    roles: list[str] = []
    said: list[str] = []
    role_tokens: list[int] = []
    strings, trained, weights = 1, 0, 0
    system = None
    for message in messages:
        content, role = message.content, message.role
        roles.append(role)
        said += (role, content)
        role_tokens.append(PER_MESSAGE + ROLE_TOKENS + count(content))
        strings += 4
        if message.name is not UNSET:
            if not NAME.match(message.name):
                return None
            role_tokens[-1] += PER_NAME + count(message.name)
            strings += 2
        if role == "assistant":
            trained += message.weight != 0
            weights += message.weight is not UNSET
        elif system is None and role != "user":
            system = content
    if not _is_sound(messages, trained) or _strings(line) != strings + weights:
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
    """Something is learned, and no answer is empty: those are findings, for the slow way."""
    return trained > 0 and all(
        message.content for message in messages if message.role == "assistant"
    )


def _strings(line: bytes) -> int:
    """How many strings stand on a line of valid JSON: half its quotes that no backslash escapes."""
    if b"\\" not in line:
        return line.count(b'"') >> 1
    if b"\\\\" in line:
        line = line.replace(b"\\\\", b"")
    return (line.count(b'"') - line.count(b'\\"')) >> 1
