"""A table for spreadsheets, in which no cell is calculated."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

from app.core.cells import cell
from app.formats.base import JsonObject
from app.formats.preference import in_openais_words
from app.formats.preference_dialects import is_foreign
from app.formats.reading import BOM, read_object

Cells = tuple[str, ...]
WHOLE = "row"
TRLS_KEYS = frozenset({"prompt", "chosen", "rejected"})


def _chat(value: JsonObject) -> Cells | None:
    """A question and its answer, where there is nothing more than these."""
    match value:
        case {"messages": [*asked, {"role": "assistant", "content": str(answer), **more}], **rest}:
            cells = _asked(asked)
            return (*cells, answer) if cells and not (more or rest) else None
    return None


def _pair(value: JsonObject) -> Cells | None:
    if is_foreign(value) and value.keys() - TRLS_KEYS:
        return None
    match in_openais_words(value):
        case {
            "input": {"messages": list(messages), **beside},
            "preferred_output": [{"role": "assistant", "content": str(preferred), **more}],
            "non_preferred_output": [{"role": "assistant", "content": str(other), **too}],
            **rest,
        }:
            cells = _asked(messages)
            is_more = beside or more or too or rest
            return (*cells, preferred, other) if cells and not is_more else None
    return None


def _prompt(value: JsonObject) -> Cells | None:
    match value:
        case {"messages": list(messages), **rest}:
            cells = _asked(messages)
            return (*cells, json.dumps(rest, ensure_ascii=False)) if cells else None
    return None


def _completion(value: JsonObject) -> Cells | None:
    match value:
        case {"prompt": str(prompt), "completion": str(completion), **rest} if not rest:
            return prompt, completion
    return None


def _asked(messages: list[Any]) -> Cells | None:
    """The system prompt, empty where there is none, and the one question."""
    match messages:
        case [{"role": "user", "content": str(question), **more}] if not more:
            return "", question
        case [
            {"role": "system", "content": str(system), **more},
            {"role": "user", "content": str(question), **too},
        ] if system and not (more or too):
            return system, question
    return None


_TABLES: Mapping[str, tuple[Cells, Callable[[JsonObject], Cells | None]]] = {
    "chat": (("system", "question", "answer"), _chat),
    "preference": (("system", "question", "preferred", "other"), _pair),
    "reinforcement": (("system", "question", "fields"), _prompt),
    "completion": (("prompt", "completion"), _completion),
}


class Csv:
    """Simple rows as cells; one that says more stands whole, as JSON, in the last column."""

    name = "csv"
    title = "CSV"
    says = (
        "A table for spreadsheets: system prompt, question and answer in cells. What says more"
        " stands whole, as JSON, in the last column. A cell that a spreadsheet would calculate"
        " begins with an apostrophe."
    )
    ending = "csv"
    media_type = "text/csv"
    formats = _TABLES

    def head(self, format_name: str) -> bytes:
        """The names of the columns, behind the mark by which spreadsheets know UTF-8."""
        return BOM + _line((*_TABLES[format_name][0], WHOLE))

    def row(self, format_name: str, line: bytes) -> bytes:
        """The row as one line of the table, which may go on over several."""
        columns, cells_of = _TABLES[format_name]
        cells = cells_of(read_object(line))
        if cells is None:
            return _line((*("" for _ in columns), line.rstrip(b"\r").decode()))
        return _line((*cells, ""))


def _line(cells: Cells) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([cell(one) for one in cells])
    return text.getvalue().encode()
