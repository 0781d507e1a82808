"""A row token by token, as its estimate counts them."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.core import tokens
from app.core.tokens import counted_texts, counter, message_tokens, pieces
from app.datasets.views import MarkedText, MarkedTurn, Piece

ENCODINGS = {tokens.O200K: "gpt-4o, gpt-4.1 and newer", "cl100k_base": "gpt-3.5 and gpt-4"}
MOST_PIECES = 4_000
_TOLD = ("role", "name", "weight", "tool_call_id")


def mark(value: Mapping[str, Any], encoding: str) -> tuple[MarkedTurn, ...]:
    """The messages of a chat row with each token marked; of a very long row the first 4,000."""
    messages = value.get("messages")
    left = MOST_PIECES
    turns = []
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            turn = _turn(message, encoding, left)
            left -= sum(len(text.pieces) for text in turn.texts)
            turns.append(turn)
    return tuple(turns)


def _turn(message: Mapping[str, Any], encoding: str, left: int) -> MarkedTurn:
    total = message_tokens(message, counter(encoding))
    texts = []
    for key, text in _texts(message):
        shown = tuple(_first(text, encoding, left))
        left -= len(shown)
        count = counter(encoding)(text)
        texts.append(MarkedText(key, shown, count, is_cut=sum(one.tokens for one in shown) < count))
    role, weight = message.get("role"), message.get("weight")
    return MarkedTurn(
        role=role if isinstance(role, str) else "",
        tokens=total,
        frame=total - sum(text.tokens for text in texts),
        texts=tuple(texts),
        is_trained=role == "assistant" and weight != 0,
    )


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
