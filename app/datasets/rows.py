"""Rows as people read them: a seek into the blob, drawn as their format is read."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from app.core import storage
from app.datasets.gone import Gone, stored_file
from app.datasets.index import Index, Row, RowFinding, open_index
from app.datasets.models import DatasetVersion
from app.datasets.views import RowCard
from app.datasets.views import RowFinding as FindingBeside
from app.formats.base import Text, Unreadable
from app.formats.drawn import Drawn, Turn, cut
from app.formats.reading import read_object
from app.formats.registry import FORMATS

RAW_LENGTH = 2_000
LINE_BYTES, PAGE_BYTES = 4_000_000, 16_000_000
BRIEF_TURNS, BRIEF_LENGTH = 6, 400


def lines_of(version: DatasetVersion, rows: Sequence[Row]) -> Iterator[tuple[Row, bytes | None]]:
    """Each row with its bytes as they stand in the file; None for one too long to be shown, and
    once a page has read enough: lines may have a hundred megabytes. Raises FileGone.
    """
    left = PAGE_BYTES
    with stored_file(version.sha256, version.size).open("rb") as blob:
        for row in rows:
            if row.length > min(LINE_BYTES, left):
                yield row, None
                continue
            left -= row.length
            blob.seek(row.offset)
            yield row, blob.read(row.length)


def cards(version: DatasetVersion, index: Index, rows: Sequence[Row]) -> tuple[RowCard, ...]:
    """These rows drawn, each with what was found in it."""
    return tuple(
        _card(row, line, version.format, index.findings(row=row.line))
        for row, line in lines_of(version, rows)
    )


def _card(
    row: Row, line: bytes | None, format_: str | None, found: Sequence[RowFinding]
) -> RowCard:
    beside = tuple(
        FindingBeside(one.severity, one.rule, one.field, one.reason, one.cure) for one in found
    )
    drawn, raw = Drawn(), None
    tokens: int | None = row.tokens
    if line is None:
        raw = f"{row.length:,} bytes: too long to be shown here. Export has it whole."
    elif (value := row_value(line)) is None:
        tokens, raw = None, line[:RAW_LENGTH].decode(errors="replace")
    elif (drawn := FORMATS[format_].draw(value) if format_ else drawn) == Drawn():
        raw = line[:RAW_LENGTH].decode(errors="replace")
    return RowCard(
        line=row.line,
        row_id=row.row_id,
        size=row.length,
        tokens=tokens,
        answer=row.answer or None,
        turns=drawn.turns,
        tools=drawn.tools,
        raw=raw,
        findings=beside,
        answers=drawn.answers,
        fields=drawn.fields,
    )


def brief(card: RowCard) -> RowCard:
    """The beginning of a row, to show what rows are like."""
    turns = _brief_turns(card.turns)
    answers = tuple(replace(one, turns=_brief_turns(one.turns)) for one in card.answers)
    is_brief = (turns, answers) != (card.turns, card.answers)
    return replace(card, turns=turns, answers=answers, is_brief=is_brief)


def _brief_turns(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    return tuple(replace(one, text=cut(one.text, BRIEF_LENGTH)) for one in turns[:BRIEF_TURNS])


def first_questions(version: DatasetVersion, limit: int) -> list[str]:
    """The last user message of a few rows spread over the version, to try a model with; none where
    its files are gone.
    """
    with suppress(Gone):
        return list(_questions(version, limit))
    return []


def _questions(version: DatasetVersion, limit: int) -> Iterator[str]:
    for _, line in lines_of(version, _spread(version, limit)):
        asked = [text.text for text in texts_of(version, line) if text.role == "user"]
        yield from (text for text in asked[-1:] if text.strip())


def first_conversations(version: DatasetVersion, limit: int) -> list[list[dict[str, Any]]]:
    """The messages of a few chat rows spread over the version, without the system's, as they may
    stand before a question: what only training reads is left out. Raises Gone.
    """
    found = []
    for _, line in lines_of(version, _spread(version, limit)):
        messages = (row_value(line) or {}).get("messages")
        if isinstance(messages, list):
            turns = [one for one in messages if isinstance(one, dict)]
            said = [one for one in turns if one.get("role") not in {"system", "developer"}]
            found.append([{key: one[key] for key in one if key != "weight"} for one in said])
    return found


def _spread(version: DatasetVersion, limit: int) -> list[Row]:
    with open_index(storage.index_path(version.id)) as index:
        places = sorted({(version.rows or 0) * part // limit for part in range(limit)})
        return [row for place in places for row in index.rows(place, 1)]


def texts_of(version: DatasetVersion, line: bytes | None) -> list[Text]:
    """What stands in one row of the version; nothing when it cannot be read."""
    value = row_value(line)
    return FORMATS[version.format].texts(value) if value is not None and version.format else []


def row_value(line: bytes | None) -> dict[str, Any] | None:
    """The row as JSON, or None when the line cannot be read or is too long."""
    if line is None:
        return None
    try:
        return read_object(line.rstrip(b"\r"))
    except Unreadable:
        return None
