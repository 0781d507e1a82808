"""Rows as people read them: a seek into the blob, drawn as a conversation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.core import storage
from app.datasets.index import Index, Row, RowFinding, open_index
from app.datasets.models import DatasetVersion
from app.datasets.views import Call, RowCard, Turn
from app.datasets.views import RowFinding as FindingBeside
from app.formats import chat
from app.formats.base import Unreadable
from app.formats.reading import read_object

RAW_LENGTH = 2_000
LINE_BYTES, PAGE_BYTES = 4_000_000, 16_000_000
TEXT_LENGTH = 20_000


def lines_of(version: DatasetVersion, rows: Sequence[Row]) -> Iterator[tuple[Row, bytes | None]]:
    """Each row with its bytes as they stand in the file; None for one too long to be shown, and
    once a page has read enough: lines may have a hundred megabytes.
    """
    left = PAGE_BYTES
    with storage.blob_path(version.sha256).open("rb") as blob:
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
        _card(row, line, index.findings(row=row.line)) for row, line in lines_of(version, rows)
    )


def _card(row: Row, line: bytes | None, found: Sequence[RowFinding]) -> RowCard:
    beside = tuple(
        FindingBeside(one.severity, one.rule, one.field, one.reason, one.cure) for one in found
    )
    turns: tuple[Turn, ...] = ()
    tools: tuple[str, ...] = ()
    tokens: int | None = row.tokens
    if line is None:
        raw = f"{row.length:,} bytes: too long to be shown here. Export has it whole."
    else:
        raw = line[:RAW_LENGTH].decode(errors="replace")
        try:
            read = chat.read(line.rstrip(b"\r"))
        except Unreadable:
            tokens = None
        else:
            turns = tuple(_turn(message) for message in read.messages)
            tools = tuple(name for tool in read.tools or () if (name := _tool_name(tool)))
    return RowCard(
        line=row.line,
        row_id=row.row_id,
        size=row.length,
        tokens=tokens,
        answer=row.answer or None,
        turns=turns,
        tools=tools if turns else (),
        raw=None if turns else raw,
        findings=beside,
    )


def _turn(message: chat.Message) -> Turn:
    text = message.text or message.refusal or ""
    return Turn(
        role=message.role,
        text=text[:TEXT_LENGTH] + ("…" if len(text) > TEXT_LENGTH else ""),
        is_trained=message.is_trained,
        weight=message.weight,
        name=message.name or message.tool_call_id,
        calls=tuple(_calls(message.tool_calls or [])),
    )


def _calls(calls: Sequence[Any]) -> Iterator[Call]:
    for call in calls:
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            arguments = function.get("arguments")
            text = (
                arguments
                if isinstance(arguments, str)
                else json.dumps(arguments, ensure_ascii=False)
            )
            yield Call(str(function.get("name") or "unnamed"), text)


def _tool_name(tool: Mapping[str, Any]) -> str | None:
    function = tool.get("function")
    return str(function["name"]) if isinstance(function, Mapping) and "name" in function else None


def first_questions(version: DatasetVersion, limit: int) -> list[str]:
    """The last user message of a few rows spread over the version, to try a model with."""
    if not version.rows:
        return []
    with open_index(storage.index_path(version.id)) as index:
        places = sorted({version.rows * part // limit for part in range(limit)})
        rows = [row for place in places for row in index.rows(place, 1)]
    questions = []
    for _, line in lines_of(version, rows):
        if line is None:
            continue
        try:
            asked = [message.text for message in chat.read(line).messages if message.role == "user"]
        except Unreadable:
            continue
        questions += [text for text in asked[-1:] if text.strip()]
    return questions


def row_value(line: bytes | None) -> dict[str, Any] | None:
    """The row as JSON, or None when the line cannot be read or is too long."""
    if line is None:
        return None
    try:
        return read_object(line.rstrip(b"\r"))
    except Unreadable:
        return None
