"""What the token view of a row shows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that is one token, or several where one character is."""

    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class MarkedText:
    """One value of a message, token by token; `tokens` are all of them, also where it `is_cut`."""

    key: str
    pieces: tuple[Piece, ...]
    tokens: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class MarkedTurn:
    """One message. `frame` are those of its `tokens` that are not in its texts: role, name, what
    separates messages.
    """

    role: str
    tokens: int
    frame: int
    texts: tuple[MarkedText, ...]
    is_trained: bool
