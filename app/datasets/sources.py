"""How the bytes that came are read: as the rows they are, or as a table that becomes chat rows."""

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import StringIO
from itertools import islice
from typing import Any, Literal, Self

from app.formats.arrays import elements
from app.formats.base import Finding, JsonObject, Unreadable
from app.formats.completion_dialects import READ_KEYS, is_conversational
from app.formats.kinds import HEAD_LENGTH, finding_about
from app.formats.preference import OLDER
from app.formats.preference_dialects import FOREIGN_KEYS, is_foreign
from app.formats.reading import BOM
from app.formats.registry import first_rows, recognise
from app.formats.tables import Columns, guess

Kind = Literal["lines", "array", "csv"]
SAMPLE_BYTES = 2**20
SAMPLE_ROWS = 20
DELIMITERS = (",", "\t", ";", "|")
CELL_LENGTH = 16 * 2**20  # characters: an open quote swallows no more than that
ARE_CSV = (".csv", ".tsv")
_NAMED = 10

csv.field_size_limit(CELL_LENGTH)


@dataclass(frozen=True, slots=True)
class Reading:
    """`format` is what the rows are, None: what most of the first ones are. With `columns` each
    record becomes a chat row; `told` is what the report says of the file as a whole.
    """

    kind: Kind = "lines"
    format: str | None = None
    columns: Columns | None = None
    delimiter: str = ","
    is_rewritten: bool = False
    told: tuple[Finding, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether nothing can be read of it."""
        return any(finding.severity == "error" for finding in self.told)

    @property
    def converts(self) -> bool:
        """Whether other bytes come of it than those that came."""
        is_other = self.columns is not None or self.is_rewritten or self.kind == "array"
        return is_other and not self.is_refused

    def as_json(self) -> dict[str, Any]:
        """The values by name."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any] | None) -> Self | None:
        """What was written down with `as_json`."""
        if values is None:
            return None
        columns = values["columns"]
        told = tuple(Finding(**one) for one in values["told"])
        return cls(**{**values, "columns": columns and Columns(**columns), "told": told})


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning of a source: its kind, its first records, and the names of their fields."""

    kind: Kind
    records: tuple[JsonObject, ...]
    delimiter: str = ","

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of the first records, in their order."""
        return tuple(dict.fromkeys(name for record in self.records for name in record))


def sample(head: bytes, file_name: str) -> Sample:
    """The beginning of a file whose first bytes, up to a megabyte, are `head`."""
    text = head.removeprefix(BOM).decode(errors="replace")
    begun = text.lstrip()
    if begun.startswith("[") and begun[1:].lstrip().startswith("{"):
        return Sample("array", tuple(_first_elements(text)))
    rows = first_rows(head, SAMPLE_ROWS)
    if not rows and not begun.startswith(("{", "[")):
        table = _as_csv(text, is_csv=file_name.lower().endswith(ARE_CSV))
        if table is not None:
            return table
    return Sample("lines", tuple(rows))


def recognise_source(head: bytes, file_name: str) -> Reading:
    """How to read a file that nobody has said anything about."""
    if finding_about(head[:HEAD_LENGTH]) is not None:
        return Reading()
    begun = sample(head, file_name)
    is_table = _is_flat(begun.records) and recognise(begun.records) in {None, "completion"}
    columns = guess(begun.names) if is_table else None
    if columns is not None or begun.kind != "csv":
        return read_as(begun, None, columns)
    return Reading("csv", delimiter=begun.delimiter, told=(_unclear(begun.names),))


def read_as(begun: Sample, format_: str | None, columns: Columns | None) -> Reading:
    """As a table of these columns, or as rows of a format; None: of the one most of them are in."""
    if columns is not None:
        told = _left_out(begun.names, columns.named)
        return Reading(begun.kind, "chat", columns, begun.delimiter, told=told)
    format_ = format_ or _as_chat(begun)
    if format_ == "chat" and any(is_conversational(row) for row in begun.records):
        told = _left_out(begun.names, READ_KEYS)
        return Reading(begun.kind, "chat", is_rewritten=True, told=told)
    if (format_ or recognise(begun.records)) != "preference":
        return Reading(begun.kind, format_)
    has_others = any(is_foreign(row) for row in begun.records)
    is_rewritten = has_others or any(key in begun.names for key in OLDER)
    told = _left_out(begun.names, FOREIGN_KEYS) if has_others else ()
    return Reading(begun.kind, format_, is_rewritten=is_rewritten, told=told)


def _as_chat(begun: Sample) -> str | None:
    """Chat, where most rows are a conversation in two parts."""
    if recognise(begun.records) != "completion":
        return None
    conversations = sum(map(is_conversational, begun.records))
    return "chat" if 2 * conversations > len(begun.records) else None


def _is_flat(records: Sequence[Mapping[str, Any]]) -> bool:
    return all(
        not isinstance(value, dict | list) for record in records for value in record.values()
    )


def _first_elements(text: str) -> list[JsonObject]:
    source = StringIO(text)
    found: list[object] = []
    with suppress(Unreadable):  # cut off, or broken: the conversion says where
        found.extend(islice(elements(source.read, SAMPLE_BYTES), SAMPLE_ROWS))
    return [value for value in found if isinstance(value, dict)]


def _as_csv(text: str, *, is_csv: bool) -> Sample | None:
    tables = [(mark, _records(text, mark)) for mark in DELIMITERS]
    for mark, records in tables:
        if records and guess(records[0]):
            return Sample("csv", tuple(records), mark)
    mark, records = max(tables, key=lambda table: len(table[1][0]) if table[1] else 0)
    return Sample("csv", tuple(records), mark) if is_csv and records else None


def _records(text: str, delimiter: str) -> list[JsonObject]:
    """The first records under their names; without any when the header stands alone."""
    try:
        rows = list(islice(csv.reader(StringIO(text, newline=""), delimiter=delimiter), 21))
    except csv.Error:
        return []
    header, *rest = [row for row in rows if row] or [[]]
    if len(header) < 2 or "\0" in "".join(header):  # noqa: PLR2004 - a question and an answer
        return []
    return [dict(zip(header, row, strict=False)) for row in rest] or [dict.fromkeys(header, "")]


def _left_out(names: Sequence[str], read: Sequence[str]) -> tuple[Finding, ...]:
    others = [name for name in names if name not in read]
    if not others:
        return ()
    named = f"{_listed(others)}{' and others' if len(others) > _NAMED else ''}"
    one = len(others) == 1
    reason = f"The column{'' if one else 's'} {named} {'is' if one else 'are'} not in the rows."
    cure = "Nothing, if it is not part of a conversation; the file as it came has it."
    return (Finding("table.left_out", None, "hint", reason, cure),)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name[:40]}"' for name in names[:_NAMED])


def _unclear(names: Sequence[str]) -> Finding:
    return Finding(
        "table.columns",
        None,
        "error",
        f"It is a table with the columns {_listed(names)}; which is the question and which the "
        "answer is not clear from their names.",
        "Read it differently: say which column is the question and which the answer.",
    )
