"""The tokens of answers: pieces of the training answers, and bytes for everything else."""

import re
from collections.abc import Iterable, Sequence

PIECES = re.compile(r"[ _]?[^\W\d_]+|.", re.DOTALL)
END = 256
START = 257
FIRST_PIECE = 258
PIECE_LIMIT = 2048


class Vocabulary:
    """Ids 0 to 255 are bytes, then END, START and the pieces.

    Any text can be written; nothing is unknown.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = list(pieces)
        self._ids = {piece: FIRST_PIECE + n for n, piece in enumerate(self.pieces)}
        self._bytes = (
            [bytes([n]) for n in range(256)] + [b"", b""] + [p.encode("utf-8") for p in self.pieces]
        )

    def __len__(self) -> int:
        return len(self._bytes)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without END."""
        ids: list[int] = []
        for piece in PIECES.findall(text):
            ids.extend(self.encode_piece(piece))
        return ids

    def encode_piece(self, piece: str) -> Sequence[int]:
        """One id when the piece is known, else its UTF-8 bytes."""
        known = self._ids.get(piece)
        return piece.encode("utf-8", "replace") if known is None else (known,)

    def raw(self, token: int) -> bytes:
        """The bytes a token stands for; END and START stand for nothing."""
        return self._bytes[token]

    def grown(self, counts: Iterable[tuple[str, int]]) -> "Vocabulary":
        """With the commonest pieces seen at least twice added, to PIECE_LIMIT in all.

        A piece that occurs once would be learned from one example and never asked for: bytes do.
        """
        wanted = sorted((-count, piece) for piece, count in counts if count > 1 and len(piece) > 1)
        room = PIECE_LIMIT - len(self.pieces)
        new = [piece for _, piece in wanted if piece not in self._ids][: max(0, room)]
        return Vocabulary([*self.pieces, *new])
