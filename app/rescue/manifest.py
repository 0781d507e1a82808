"""The manifest as a stream: every object of a rescue, a line each, as JSONL or CSV."""

import csv
import io
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import astuple, fields

import msgspec

from app.core.cells import cell
from app.core.database import read_only
from app.rescue import queries
from app.rescue.resources import ObjectResource, object_resource

AT_ONCE = 1_000
FORMATS = {"jsonl": "application/x-ndjson", "csv": "text/csv"}


def lines(connection_ids: Sequence[int], form: str) -> Generator[bytes, None, None]:
    """The whole manifest, a stretch at a time: no session stays open while the reader is slow."""
    write = WRITERS[form]
    if form == "csv":
        yield _rows([[field.name for field in fields(ObjectResource)]])
    after = 0
    while True:
        with read_only() as session:
            found = queries.objects_page(session, connection_ids, after=after, limit=AT_ONCE)
        if not found:
            return
        after = found[-1].id
        yield write([object_resource(row) for row in found])


def _jsonl(found: Sequence[ObjectResource]) -> bytes:
    return b"".join(msgspec.json.encode(one) + b"\n" for one in found)


def _csv(found: Sequence[ObjectResource]) -> bytes:
    return _rows([[cell(value) for value in astuple(one)] for one in found])


def _rows(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


WRITERS: dict[str, Callable[[Sequence[ObjectResource]], bytes]] = {"jsonl": _jsonl, "csv": _csv}
