"""A row token by token, as its estimate counts them."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.core import tokens
from app.core.tokens import counted_texts, counter, message_tokens, pieces
from app.datasets.views_tokens import MarkedText, MarkedTurn, Piece
from app.formats.base import JsonObject
from app.formats.registry import FORMATS

ENCODINGS = {tokens.O200K: "gpt-4o, gpt-4.1 and newer", "cl100k_base": "gpt-3.5 and gpt-4"}
MOST_PIECES = 4_000
_LEARNT = ("completion", "preference")  # elsewhere a model writes its own answers, or none
_TOLD = ("role", "name", "weight", "tool_call_id")


def total(name: str, value: JsonObject, encoding: str) -> int:
    """The tokens of a row of this format."""
    return FORMATS[name].measure(value, counter(encoding)).tokens


def mark(name: str, value: JsonObject, encoding: str) -> tuple[MarkedTurn, ...]:
    """A row of this format with each token marked; of a very long row the first 4,000. A message of
    a conversation with its frame; of other rows text by text.
    """
    return _messages(value, encoding) if name == "chat" else _others(name, value, encoding)


def _messages(value: JsonObject, encoding: str) -> tuple[MarkedTurn, ...]:
    messages = value.get("messages")
    left = MOST_PIECES
    turns = []
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            turn = _turn(message, encoding, left)
            left -= sum(len(text.pieces) for text in turn.texts)
            turns.append(turn)
    return tuple(turns)


def _others(name: str, value: JsonObject, encoding: str) -> tuple[MarkedTurn, ...]:
    left = MOST_PIECES
    turns = []
    for one in FORMATS[name].texts(value):
        text = _text(one.field, one.text, encoding, left)
        left -= len(text.pieces)
        is_trained = one.role == "assistant" and name in _LEARNT
        turns.append(MarkedTurn(one.role, text.tokens, 0, (text,), is_trained))
    return tuple(turns)


def _turn(message: Mapping[str, Any], encoding: str, left: int) -> MarkedTurn:
    total = message_tokens(message, counter(encoding))
    texts = []
    for key, text in _texts(message):
        texts.append(_text(key, text, encoding, left))
        left -= len(texts[-1].pieces)
    role, weight = message.get("role"), message.get("weight")
    return MarkedTurn(
        role=role if isinstance(role, str) else "",
        tokens=total,
        frame=total - sum(text.tokens for text in texts),
        texts=tuple(texts),
        is_trained=role == "assistant" and weight != 0,
    )


def _text(key: str, text: str, encoding: str, most: int) -> MarkedText:
    shown = tuple(_first(text, encoding, most))
    count = counter(encoding)(text)
    return MarkedText(key, shown, count, is_cut=sum(one.tokens for one in shown) < count)


def _texts(message: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is read or written; role and name belong to the frame around it."""
    for key, value in message.items():
        if key not in _TOLD:
            yield from ((key, text) for text in counted_texts(key, value))


def _first(text: str, encoding: str, most: int) -> Iterator[Piece]:
    for at, (piece, count) in enumerate(pieces(text, encoding)):
        if at == most:
            return
        yield Piece(piece, count)
