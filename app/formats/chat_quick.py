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
    strings = 1
    tokens = PER_ROW
    trained = 0
    has_weights = False
    system = None
    said: list[str] = []
    roles = []
    role_tokens = []
    for message in messages:
        content = message.content
        role = message.role
        spent = PER_MESSAGE + ROLE_TOKENS + count(content)
        strings += 4
        if message.name is not UNSET:
            if not NAME.match(message.name):
                return None
            spent += PER_NAME + count(message.name)
            strings += 2
        if role == "assistant":
            if not content:
                return None
            if message.weight is not UNSET:
                strings += 1
                has_weights = True
            trained += message.weight != 0
        elif system is None and role != "user":
            system = content
        tokens += spent
        roles.append(role)
        role_tokens.append(spent)
        said += (role, content)
    if not trained or _strings(line) != strings:
        return None
    return Measured(
        tokens,
        tuple(roles),
        tuple(role_tokens),
        trained,
        "\0".join(said[:-2]).encode(),
        system,
        content,
        has_weights,
    )


def _strings(line: bytes) -> int:
    """How many strings stand on a line of valid JSON: half its quotes that no backslash escapes."""
    if b"\\" not in line:
        return line.count(b'"') >> 1
    if b"\\\\" in line:
        line = line.replace(b"\\\\", b"")
    return (line.count(b'"') - line.count(b'\\"')) >> 1
