"""The derived SQLite file of a dataset version: where each row lies, its weight, what was found.

Written once by the checks, opened read-only ever after, and rebuildable from the blob.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from app.datasets.gone import IndexGone, is_torn, telling_of_damage
from app.formats.base import Severity

# Of the schema, as PRAGMA user_version: 0 has no answers and is in no order, 1 has no labels.
VERSION, SORTED = 2, 1
_TABLE = """CREATE TABLE rows(
    n INTEGER PRIMARY KEY,      -- 1-based, blank lines not counted
    line INTEGER NOT NULL,      -- 1-based line of the file
    offset INTEGER NOT NULL,    -- first byte
    length INTEGER NOT NULL,    -- bytes without the newline
    row_id INTEGER NOT NULL,
    hash BLOB NOT NULL,         -- 128 bits of what the row says, however it is written
    prompt INTEGER NOT NULL,    -- 64 bits of what the row asks
    tokens INTEGER NOT NULL,
    answer INTEGER NOT NULL,    -- tokens of the last answer
    side INTEGER NOT NULL DEFAULT 0,
    flags INTEGER NOT NULL,
    label INTEGER NOT NULL      -- the code of the answer, where that may be a label; 0: none
);
"""
# Also that of the findings of the second pass, in a file of its own.
FINDINGS = """CREATE TABLE findings(
    id INTEGER PRIMARY KEY,
    line INTEGER,               -- null: the file as a whole
    field TEXT,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    reason TEXT NOT NULL,
    cure TEXT NOT NULL
);
"""
FACTS = "CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;\n"
SCHEMA = _TABLE + FINDINGS + FACTS


class Flag(IntFlag):
    """What is worth filtering rows by."""

    UNREADABLE = 1
    ERROR = 2
    WARNING = 4
    TOOLS = 8
    IMAGES = 16
    WEIGHTS = 32
    SYSTEM = 64
    MULTI_TURN = 128
    HINT = 256


# What rows agree in, and how many they are.
Counted = list[tuple[tuple[int, ...], int]]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
SEVERITY_FLAGS = {"error": Flag.ERROR, "warning": Flag.WARNING, "hint": Flag.HINT}


@dataclass(frozen=True, slots=True)
class Row:
    """One row's place in the blob: `length` bytes from `offset`, the newline not included."""

    n: int
    line: int
    offset: int
    length: int
    row_id: int
    tokens: int
    answer: int
    side: int
    flags: Flag
    label: int


@dataclass(frozen=True, slots=True)
class RowFinding:
    """One stored finding. `id` is its place in the order of the file, and the cursor for paging."""

    id: int
    row: int | None
    field: str | None
    rule: str
    severity: Severity
    reason: str
    cure: str


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """All findings of one rule: how many there are, the first rows, and the first in full."""

    rule: str
    severity: Severity
    count: int
    first_rows: tuple[int, ...]
    reason: str
    cure: str


class Beyond(NamedTuple):
    """What a cap on the tokens of a row leaves out: so many rows are longer, so many tokens stand
    beyond it, and of so many rows the whole last answer does.
    """

    rows: int
    tokens: int
    answers: int


_BEYOND = (
    "SELECT count(*), coalesce(sum(tokens - :cap), 0), coalesce(sum(tokens - answer >= :cap), 0)"
    " FROM rows WHERE tokens > :cap"
)
_ROW = "SELECT n, line, offset, length, row_id, tokens, {}, side, flags, {} FROM rows"
_ROWS = {0: _ROW.format(0, 0), 1: _ROW.format("answer", 0)}
_ROW_NOW = _ROW.format("answer", "label")
_FINDING = "SELECT id, line, field, rule, severity, reason, cure FROM {}"
_LINES = "SELECT DISTINCT line FROM {} WHERE rule = ? AND severity = ?"
_FACTS = "SELECT key, value FROM {}.facts WHERE key != 'state'"
_BOTH = "(SELECT * FROM main.findings UNION ALL SELECT * FROM deep.findings)"


class Index:
    """A finished index, read-only, and beside it what the deeper checks found, where they are done:
    their findings have ids of their own and come after the others. Use as a context manager, in one
    thread. `is_sorted` is False for one that was made before rows could be sorted and filtered.
    Leaving the block because the file is torn raises IndexGone.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, deep: Path | None) -> None:
        self.connection, self.path = connection, path
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        self.is_sorted = version >= SORTED
        self.is_deep = deep is not None
        if deep is not None:
            connection.execute("ATTACH ? AS deep", (finished_uri(deep),))
        self.found_in = _BOTH if self.is_deep else "findings"
        self._finding = _FINDING.format(self.found_in)
        self._row_of = _ROWS.get(version, _ROW_NOW)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError) and is_torn(error):
            raise IndexGone(self.path) from error

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    @property
    def row_count(self) -> int:
        """How many rows there are, unreadable ones included; blank lines are none."""
        (last,) = self.connection.execute("SELECT max(n) FROM rows").fetchone()
        return last or 0

    def row(self, line: int) -> Row | None:
        """The row on this 1-based line of the file; None: the line is blank or beyond the end."""
        low, high = 1, min(line, self.row_count)
        while low <= high:
            middle = (low + high) // 2
            row = self._row(middle)
            if row is None or row.line == line:
                return row
            low, high = (middle + 1, high) if row.line < line else (low, middle - 1)
        return None

    def row_of_id(self, row_id: int) -> Row | None:
        """The row that carries this id."""
        found = self.connection.execute(f"{self._row_of} WHERE row_id = ?", (row_id,)).fetchone()
        return found and _row(found)

    def rows(self, offset: int = 0, limit: int = 50) -> list[Row]:
        """Up to `limit` rows in the order of the file, after passing over `offset` of them."""
        found = self.connection.execute(
            f"{self._row_of} WHERE n > ? ORDER BY n LIMIT ?", (offset, max(limit, 0))
        )
        return [_row(values) for values in found]

    def rows_at(self, places: Iterable[int]) -> list[Row]:
        """The rows of these numbers, in that order."""
        return [row for n in places if (row := self._row(n)) is not None]

    def each_row(self) -> Iterator[Row]:
        """All rows, streamed."""
        return (_row(values) for values in self.connection.execute(f"{self._row_of} ORDER BY n"))

    def findings(
        self,
        after: int = 0,
        limit: int = 50,
        rule: str | None = None,
        severity: Severity | None = None,
        row: int | None = None,
    ) -> list[RowFinding]:
        """Up to `limit` findings whose id is above `after`: the file's first, then line by line.

        Of each rule the first 10,000 are kept; `finding_groups` counts them all.
        """
        asked = {"rule": rule, "severity": severity, "line": row}
        asked = {name: value for name, value in asked.items() if value is not None}
        where = "".join(f" AND {name} = :{name}" for name in asked)  # names of our own
        found = self.connection.execute(
            f"{self._finding} WHERE id > :after{where} ORDER BY id LIMIT :limit",
            {"after": after, "limit": max(limit, 0), **asked},
        )
        return [RowFinding(*values) for values in found]

    def findings_at(self, ids: Iterable[int]) -> list[RowFinding]:
        """The findings of these ids, in that order."""
        found = (
            self.connection.execute(f"{self._finding} WHERE id = ?", (one,)).fetchone()
            for one in ids
        )
        return [RowFinding(*values) for values in found if values is not None]

    def kept_findings(self) -> list[tuple[Severity, str, int]]:
        """How many findings are kept of each severity and rule."""
        names = ("main", "deep") if self.is_deep else ("main",)
        query = "SELECT severity, rule, count(*) FROM {}.findings GROUP BY severity, rule"
        return [row for name in names for row in self.connection.execute(query.format(name))]

    def finding_groups(self) -> list[FindingGroup]:
        """One group a rule, errors first, then by how often."""
        groups = [*self.facts["groups"], *self.deep_facts.get("groups", ())]
        found = (
            FindingGroup(**{**group, "first_rows": tuple(group["first_rows"])}) for group in groups
        )
        return sorted(found, key=lambda one: (SEVERITIES.index(one.severity), -one.count))

    def labels_by_flags(self, label: int) -> Counted:
        """How many rows of the label of this code there are with which flags."""
        counted = self.facts.get("label_flags", ())
        return [((flags, label), rows) for one, flags, rows in counted if one == label]

    def rows_of_rule(self, rule: str) -> list[Row]:
        """The rows with a finding of this rule, as far as it is kept, in the order of the file."""
        query = _LINES.format(self.found_in)
        lines = {
            line
            for severity in SEVERITIES
            for (line,) in self.connection.execute(query, (rule, severity))
            if line is not None
        }
        return list(self.rows_on(sorted(lines)))

    def beyond(self, cap: int) -> Beyond:
        """What of the rows a cap on their tokens leaves out."""
        if not self.is_sorted:  # every row is looked at, and none says how long its answer is
            counted = _BEYOND.replace("tokens - answer >= :cap", "0")
        else:  # a few seeks; flags are numbers of our own
            flags = ", ".join(str(int(flags)) for flags, _ in self.facts["flags"])
            counted = f"{_BEYOND} AND flags IN ({flags})"
        return Beyond(*self.connection.execute(counted, {"cap": cap}).fetchone())

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What the checks wrote down at the end: `verdict`, `groups`, what charts are made of.
        Raises IndexGone where they are not there.
        """
        facts = self._facts("main")
        if not {"verdict", "groups"} <= facts.keys():
            raise IndexGone(self.path)
        return facts

    @cached_property
    def deep_facts(self) -> Mapping[str, Any]:
        """What the deeper checks wrote down; nothing while they are not done."""
        return self._facts("deep") if self.is_deep else {}

    def _facts(self, name: str) -> Mapping[str, Any]:
        stored = self.connection.execute(_FACTS.format(name))
        return {key: json.loads(value) for key, value in stored}

    def rows_on(self, lines: Iterable[int]) -> Iterator[Row]:
        """The rows on these lines, which ascend: the number of a row is its line but for the blank
        lines before it, and those are few.
        """
        blank = 0
        for line in lines:
            row = self._row(line - blank)
            if row is None or row.line != line:
                row = self.row(line)
            if row is not None:
                blank = line - row.n
                yield row

    def _row(self, n: int) -> Row | None:
        found = self.connection.execute(f"{self._row_of} WHERE n = ?", (n,)).fetchone()
        return found and _row(found)


def open_index(path: Path) -> Index:
    """Open a finished index, with what the deeper checks found where they are done. Raises
    IndexGone, also while the version is not checked.
    """
    deep = deep_path(path)
    with telling_of_damage(path):
        return Index(connect_finished(path), path, deep if deep.is_file() else None)


def deep_path(index: Path) -> Path:
    """Where the deeper checks leave what they found: findings and facts as in an index."""
    return index.with_suffix(".checks.sqlite")


def connect_finished(path: Path) -> sqlite3.Connection:
    """A read-only connection that takes no lock and writes no journal: the file never changes.
    Raises IndexGone where it is missing or empty.
    """
    if not (path.is_file() and path.stat().st_size):
        raise IndexGone(path)
    return sqlite3.connect(finished_uri(path), uri=True, check_same_thread=False)


def finished_uri(path: Path) -> str:
    """The address of a finished index for `sqlite3.connect`; the path may hold any characters."""
    return f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"


def read_rows(blob: Path, rows: Sequence[Row]) -> list[bytes]:
    """The exact bytes of these rows, one seek each."""
    with blob.open("rb") as file:
        return [_read(file, row) for row in rows]


def _read(file: Any, row: Row) -> bytes:
    file.seek(row.offset)
    data: bytes = file.read(row.length)
    return data


def _row(values: tuple[int, int, int, int, int, int, int, int, int, int]) -> Row:
    return Row(*values[:-2], flags=Flag(values[-2]), label=values[-1])
