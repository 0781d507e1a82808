"""Make rows of JSON of a source that is none, streamed: a table's records, a list's elements."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from app.datasets.checks.lines import blocks
from app.datasets.sources import Reading
from app.formats.arrays import elements
from app.formats.base import Finding, JsonObject, Unreadable
from app.formats.completion_dialects import as_chat
from app.formats.preference import in_openais_words
from app.formats.reading import BOM, read_object
from app.formats.tables import Columns, chat_row

Write = Callable[[bytes], None]
Alive = Callable[[int], None]
Record = JsonObject | bytes  # a line that cannot be read stays as it is
_TOGETHER_BYTES = 2**20
_NAMED = 5
_ELEMENT_LENGTH = 64 * 2**20


def convert(source: Path, reading: Reading, write: Write, alive: Alive) -> tuple[Finding, ...]:
    """Write the source's records as rows, one a line, in their order; what is to be told of it.

    `alive` is called now and then with the bytes that are behind. Raises Unreadable, with what is
    wrong, where the source cannot be read on.
    """
    odd = _Odd(reading.columns)
    with source.open("rb") as file:
        text = TextIOWrapper(file, "utf-8-sig", newline="")  # closes the file when it goes
        records = _RECORDS[reading.kind](file, text, reading, odd)
        for lines in _together(_line(record, reading) for record in records):
            write(lines)
            alive(file.tell())
    return odd.told()


def _together(lines: Iterator[bytes]) -> Iterator[bytes]:
    waiting, size = [], 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= _TOGETHER_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _line(record: Record, reading: Reading) -> bytes:
    if isinstance(record, bytes):
        return record + b"\n"
    if reading.columns is not None:
        record = chat_row(record, reading.columns)
    elif reading.is_rewritten:
        record = as_chat(record) if reading.format == "chat" else in_openais_words(record)
    with suppress(UnicodeEncodeError):
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    return json.dumps(record).encode() + b"\n"  # half a character: the check says which row


class _Rows:
    """How many rows, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[int] = []

    def add(self, number: int) -> None:
        self.count += 1
        if len(self.first) < _NAMED:
            self.first.append(number)

    def __str__(self) -> str:
        named = ", ".join(f"{number:,}" for number in self.first)
        if self.count == 1:
            return f"Row {named} is"
        more = f" and {self.count - _NAMED:,} more" if self.count > _NAMED else ""
        return f"Rows {named}{more} are"


class _Odd:
    """Records that lack a column, those that have more cells than there are columns, and names that
    stand over several columns.
    """

    def __init__(self, columns: Columns | None) -> None:
        self.names = columns.named[:2] if columns is not None else ()
        self.lacking, self.longer = _Rows(), _Rows()
        self.doubled: list[str] = []

    def look(self, number: int, record: JsonObject) -> None:
        if any(name not in record for name in self.names):
            self.lacking.add(number)

    def told(self) -> tuple[Finding, ...]:
        found = []
        if self.lacking.count:
            reason = f"{self.lacking} without the question or the answer."
            cure = "Fill the missing cells, or drop these rows."
            found.append(Finding("table.missing", None, "warning", reason, cure))
        if self.longer.count:
            reason = f"{self.longer} with more cells than there are columns."
            cure = "Put quotes around cells that hold the separator; what is beyond is left out."
            found.append(Finding("table.cells", None, "warning", reason, cure))
        for name in self.doubled[:_NAMED]:
            reason = f'Several columns are called "{name[:40]}"; the last of them is read.'
            cure = "Give each column a name of its own and upload the file again."
            found.append(Finding("table.columns", None, "warning", reason, cure))
        return tuple(found)


def _csv(_file: BinaryIO, text: TextIOWrapper, reading: Reading, odd: _Odd) -> Iterator[Record]:
    rows = csv.reader(text, delimiter=reading.delimiter, strict=True)
    number = 0
    try:
        header = next((row for row in rows if row), [])
        odd.doubled = [name for name, count in Counter(header).items() if name and count > 1]
        for row in rows:
            if not row:
                continue
            number += 1
            record = dict(zip(header, row, strict=False))
            odd.look(number, record)
            if len(row) > len(header):
                odd.longer.add(number)
            yield record
    except csv.Error as error:
        raise _broken(f"The table cannot be read beyond line {rows.line_num:,}: {error}.") from None
    except UnicodeDecodeError:
        reason = f"The table is not UTF-8 after line {rows.line_num:,}."
        raise _broken(reason, "Save it as UTF-8 and upload it again.") from None


def _array(_file: BinaryIO, text: TextIOWrapper, _reading: Reading, odd: _Odd) -> Iterator[Record]:
    try:
        for number, value in enumerate(elements(text.read, _ELEMENT_LENGTH), 1):
            if isinstance(value, dict):
                odd.look(number, value)
                yield value
            else:
                yield json.dumps(value).encode()
    except UnicodeDecodeError:
        cure = "Save it as UTF-8 and upload it again."
        raise _broken("The list is not UTF-8.", cure) from None


def _lines(file: BinaryIO, _text: TextIOWrapper, _reading: Reading, odd: _Odd) -> Iterator[Record]:
    """Row for row, so that a finding's row is the source's line."""
    number = 0
    for block in blocks(file, _ELEMENT_LENGTH):
        if isinstance(block, int):
            raise _broken(f"Line {number + 1:,} has {block:,} bytes; that is no row of a table.")
        for line in block.removesuffix(b"\n").split(b"\n"):
            number += 1
            content = line.removeprefix(BOM) if number == 1 else line
            try:
                record = read_object(content)
            except Unreadable:
                yield content
            else:
                odd.look(number, record)
                yield record


_RECORDS = {"csv": _csv, "array": _array, "lines": _lines}


def _broken(reason: str, cure: str = "Correct it there and upload it again.") -> Unreadable:
    return Unreadable(Finding("table.broken", None, "error", reason, cure))
