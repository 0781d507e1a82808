"""Put the rows of a version before a provider, some at a time; no unit of work is open then."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from time import monotonic
from typing import cast

from app.connections import service as connections
from app.core import storage
from app.datasets.checks.deep.base import Said
from app.datasets.checks.deep.rows import open_rows
from app.datasets.gone import stored_file
from app.datasets.moderation.service import Answered, Flagged, Work
from app.providers.base import ProviderError
from app.providers.moderation import MOST_CHARACTERS, MOST_TEXTS, Judgement, Moderates

PIECE = 20_000  # characters; a longer row is several texts


def moderate_rows(work: Work, *, seconds: float) -> Iterator[Answered]:
    """Ask about the rows behind the `n`-th for about `seconds`. Each answer comes out as soon as it
    is there, to be kept: whoever dies has lost one at most. A refusal ends it and is told.
    """
    n, until = work.n, monotonic() + seconds
    try:
        with closing(connections.open_connection(work.connection)) as provider:
            for rows in _groups(work):
                flagged = _flagged(rows, cast("Moderates", provider))
                n, is_over = rows[-1].n, monotonic() > until
                yield Answered(n, flagged, "over" if is_over else "going on")
                if is_over:
                    return
    except ProviderError as error:
        yield Answered(n, [], error)
    else:
        yield Answered(n, [], "done")


def _groups(work: Work) -> Iterator[list[Said]]:
    """Rows that fit into one question."""
    waiting: list[Said] = []
    texts = characters = 0
    for row in _rows(work):
        pieces = pieces_of(row)
        count, size = len(pieces) or 1, sum(map(len, pieces))  # a row without a text takes time too
        if waiting and (texts + count > MOST_TEXTS or characters + size > MOST_CHARACTERS):
            yield waiting
            waiting, texts, characters = [], 0, 0
        waiting.append(row)
        texts, characters = texts + count, characters + size
    if waiting:
        yield waiting


def _rows(work: Work) -> Iterator[Said]:
    blob, index = stored_file(work.sha256), storage.index_path(work.version_id)
    with open_rows(blob, index) as opened:
        for rows in opened.after(work.n):
            yield from rows


def pieces_of(row: Said) -> list[str]:
    """What of a row is judged: its first 100,000 characters, a few texts where it is long."""
    whole = "\n".join(text.text for text in row.texts)[:MOST_CHARACTERS]
    return [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]


def _flagged(rows: Sequence[Said], provider: Moderates) -> list[Flagged]:
    placed = [(row.line, piece) for row in rows for piece in pieces_of(row)]
    if not placed:
        return []
    judged = provider.moderate([piece for _, piece in placed])
    by_line: dict[int, list[Judgement]] = {}
    for (line, _), one in zip(placed, judged, strict=True):
        if one is not None:
            by_line.setdefault(line, []).append(one)
    return [_of_row(line, found) for line, found in by_line.items()]


def _of_row(line: int, found: Sequence[Judgement]) -> Flagged:
    categories = sorted({name for one in found for name in one.categories})
    return Flagged(line, tuple(categories), max(one.score for one in found))
