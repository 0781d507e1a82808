"""The quick way through chat rows: plain text conversations, read and measured many at a time.

msgspec refuses what the safe reader refuses, except that it lets NUL through and takes the last of
two equal keys: the number of strings on the line shows both (see `app.formats.strings`).
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from operator import add
from typing import ClassVar, Literal, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from app.core.tokens import PER_MESSAGE, PER_NAME, PER_ROW, Count
from app.formats.base import Measured, canonical
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


_decoder = msgspec.json.Decoder(_Row)
_REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Message = _System | _Developer | _User | _Assistant
_LONG = 64  # messages; the shapes of longer conversations are not remembered


def quick(block: bytes, strings: Sequence[int], count: Count) -> list[Measured | None]:
    """Each line's row measured, if it is a plain conversation without anything to say about it.

    `strings` are the numbers of strings on the lines. All texts are counted one after the other,
    which keeps the tokenizer's tables in the processor's cache.
    """
    rows = [
        None if row is None else _plain(row.messages, known)
        for row, known in zip(_rows(block, len(strings)), strings, strict=True)
    ]
    texts = (text for row in rows if row is not None for text in row.contents)
    counted = iter([_SAID + count(text) for text in texts])
    return [
        None if row is None else _measured(row, tuple(islice(counted, len(row.contents))), count)
        for row in rows
    ]


def _rows(block: bytes, lines: int) -> list[_Row] | list[_Row | None]:
    with suppress(*_REFUSALS):
        rows = _decoder.decode_lines(block)
        # A row may span lines and a line be blank; no line has two rows. As many, so one on each.
        if len(rows) == lines:
            return rows
    return [_row(line) for line in block.split(b"\n")[:-1]]


def _row(line: bytes) -> _Row | None:
    try:
        return _decoder.decode(line)
    except _REFUSALS:
        return None


class _Plain(msgspec.Struct, gc=False):
    messages: list[_Message]
    contents: list[str]
    is_marked: bool  # there is a name or a weight somewhere


def _plain(messages: list[_Message], strings: int) -> _Plain | None:
    """A plain conversation, if every string on its line is accounted for.

    The key `messages` is one, and a message of nothing but role and content has four: a line with
    just as many has no name, no weight and no key twice.
    """
    contents = [message.content for message in messages]
    if not messages or not isinstance(messages[-1], _Assistant) or "" in contents:
        return None
    marks = strings - 1 - 4 * len(messages)
    if marks and not _are_sound(messages, marks):
        return None
    return _Plain(messages, contents, marks != 0)


def _are_sound(messages: list[_Message], marks: int) -> bool:
    """Whether names and weights are all the other strings, and nothing is to be said about them.

    A name adds two strings, a weight its key alone.
    """
    names = [message.name for message in messages if message.name is not UNSET]
    weights = _weights(messages)
    answers = sum(isinstance(message, _Assistant) for message in messages)
    return (
        marks == 2 * len(names) + len(weights)
        and all(NAME.match(name) for name in names)
        and weights.count(0) < answers
    )


def _weights(messages: list[_Message]) -> list[int]:
    return [
        message.weight
        for message in messages
        if isinstance(message, _Assistant) and message.weight is not UNSET
    ]


def _measured(row: _Plain, tokens: tuple[int, ...], count: Count) -> Measured:
    messages, contents = row.messages, row.contents
    kinds = tuple(map(type, messages))
    shape = _shape(kinds) if len(kinds) <= _LONG else _shape.__wrapped__(kinds)
    answer, trained, weights = contents[-1], shape.answers, []
    if row.is_marked:
        weights = _weights(messages)
        trained -= weights.count(0)
        tokens = tuple(map(add, tokens, [_name_tokens(message, count) for message in messages]))
        rest = canonical({"messages": msgspec.to_builtins(messages)})
    else:
        rest = f"assistant\0\0{answer}".encode()
    return Measured(
        PER_ROW + sum(tokens),
        shape.roles,
        tokens,
        trained,
        "\0".join([shape.asked_by, *contents[:-1]]).encode(),
        rest,
        None if shape.system_at is None else contents[shape.system_at],
        answer,
        bool(weights),
    )


def _name_tokens(message: _Message, count: Count) -> int:
    return 0 if message.name is UNSET else PER_NAME + count(message.name)


class _Shape(NamedTuple):
    """What all rows with the same roles in the same order have in common."""

    roles: tuple[str, ...]
    answers: int
    asked_by: str
    system_at: int | None


@lru_cache(maxsize=1024)
def _shape(kinds: tuple[type[_Message], ...]) -> _Shape:
    roles = tuple([kind.role for kind in kinds])
    system = "system" if "system" in roles else "developer" if "developer" in roles else None
    return _Shape(
        roles=roles,
        answers=roles.count("assistant"),
        asked_by="\0".join((*roles[:-1], "")),
        system_at=None if system is None else roles.index(system),
    )
