"""The tables of a version's rows and of its findings: what each can be sorted and filtered by."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from fastapi import Request

from app.core.listing import FURTHEST, NUMBER, Asked, Column, Filter, Table, among
from app.datasets.clusters import rows_of
from app.datasets.flagged import FLAGGED, OTHERS, moved_by_flags, with_flags
from app.datasets.index import SEVERITIES, Counted, Flag, Index, Row
from app.datasets.picked import Picked
from app.datasets.shelves import Between, Shelf, Shelves

FOUND = Flag.UNREADABLE | Flag.ERROR | Flag.WARNING | Flag.HINT
# What a row may be filtered by: the flags of which it must have one.
FINDINGS_OF = {"error": Flag.ERROR | Flag.UNREADABLE, "warning": Flag.WARNING, "hint": Flag.HINT}
HOLDS = {
    "system": (Flag.SYSTEM, "system prompt"),
    "turns": (Flag.MULTI_TURN, "several answers"),
    "tools": (Flag.TOOLS, "tools"),
    "images": (Flag.IMAGES, "images"),
    "weights": (Flag.WEIGHTS, "weights"),
}


class OfRule(NamedTuple):
    """Rows with a finding of this rule."""

    rule: str


class OfLabel(NamedTuple):
    """Rows of the label with this code."""

    label: int


class OfCluster(NamedTuple):
    """Rows of this cluster of duplicates."""

    cluster: int


class AtLeast(NamedTuple):
    """Rows of so many tokens or more."""

    tokens: int


class AtMost(NamedTuple):
    """Rows of so many tokens or fewer."""

    tokens: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The conditions an address sets, each told from the others."""

    flags: tuple[Callable[[int], bool], ...]
    rule: str | None
    label: int | None
    cluster: int | None
    length: Between | None

    @classmethod
    def of(cls, asked: Asked) -> Self:
        """Sort out what is asked."""
        low = next((one.tokens for one in asked.where if isinstance(one, AtLeast)), 0)
        high = next((one.tokens for one in asked.where if isinstance(one, AtMost)), FURTHEST)
        return cls(
            tuple(one for one in asked.where if not isinstance(one, tuple)),
            next((one.rule for one in asked.where if isinstance(one, OfRule)), None),
            next((one.label for one in asked.where if isinstance(one, OfLabel)), None),
            next((one.cluster for one in asked.where if isinstance(one, OfCluster)), None),
            None if (low, high) == (0, FURTHEST) else Between(low, high),
        )

    def takes_flags(self, flags: int) -> bool:
        """Whether rows of these flags are wanted."""
        return all(takes(flags) for takes in self.flags)

    def takes(self, row: Row) -> bool:
        """Whether this row is wanted, its findings aside."""
        return (
            self.takes_flags(row.flags)
            and self.label in {None, row.label}
            and (self.length is None or self.length.low <= row.tokens <= self.length.high)
        )


def _whole(text: str) -> int:
    if not NUMBER.fullmatch(text) or int(text) > FURTHEST:
        raise ValueError("A whole number is needed.")
    return int(text)


def _with_findings(values: list[str]) -> Callable[[int], bool]:
    wanted = [FINDINGS_OF[value] for value in values if value != "none"]
    return lambda flags: (
        any(flags & one for one in wanted) or ("none" in values and not flags & FOUND)
    )


def _holding(values: list[str]) -> Callable[[int], bool]:
    wanted = [HOLDS[value][0] for value in values]
    return lambda flags: any(flags & one for one in wanted)


ROWS = Table(
    noun="row",
    row_id="n",
    columns=(
        Column("row", "Row", "n", is_kept=True),
        Column("conversation", "Conversation"),
        Column("tokens", "Tokens", "tokens", is_number=True, is_down=True),
        Column("answer", "Answer", "answer", is_number=True, is_down=True),
        Column("findings", "Findings"),
        Column("bytes", "Bytes", is_number=True, is_extra=True),
        Column("id", "Row id", is_number=True, is_extra=True),
    ),
    filters=(
        among(
            "findings",
            "With findings",
            (*((value, f"{value}s") for value in SEVERITIES), ("none", "none")),
            _with_findings,
        ),
        among("holds", "Holds", ((key, words) for key, (_, words) in HOLDS.items()), _holding),
        Filter("rule", "Finding", "pick", str, OfRule),
        Filter("label", "Label", "pick", _whole, OfLabel),
        Filter("cluster", "Cluster", "pick", _whole, OfCluster),
        Filter("at_least", "Tokens, at least", "number", _whole, AtLeast),
        Filter("at_most", "Tokens, at most", "number", _whole, AtMost),
    ),
    start="row",
)
# Of an index that was made before rows stood in any order but the file's.
ROWS_AS_THEY_STAND = replace(
    ROWS,
    columns=tuple(
        replace(column, by=column.by if column.key == "row" else None) for column in ROWS.columns
    ),
    filters=(),
)

FINDINGS = Table(
    noun="finding",
    row_id="id",
    columns=(
        Column("row", "Row", "id", is_kept=True),
        Column("severity", "Severity", "severity"),
        Column("rule", "Rule"),
        Column("field", "Field"),
        Column("reason", "Why"),
        Column("cure", "Cure"),
    ),
    filters=(
        among(
            "severity",
            "Severity",
            ((value, f"{value}s") for value in SEVERITIES),
            lambda values: lambda severity, _: severity in values,
        ),
        Filter("rule", "Rule", "pick", str, lambda name: lambda _, rule: rule == name),
    ),
    start="row",
)


def read_rows(request: Request, index: Index, *, beside: str) -> Asked:
    """What an address asks of a version's rows; the word `beside` is for its caller. Those narrowed
    by length come by length: there they stand together. Raises WrongInput.
    """
    table = ROWS if index.is_sorted else ROWS_AS_THEY_STAND
    asked = replace(table, beside=(beside,)).read(request)
    is_by_length = asked.sort is not None and asked.sort.by == "tokens"
    if is_by_length or not asked.filters.keys() & {"at_least", "at_most"}:
        return asked
    return replace(asked, sort=asked.table.column("tokens"))


def rows_asked_for(index: Index, asked: Asked) -> Shelves | Picked:
    """A version's rows as an address asks for them, see `read_rows`."""
    by = asked.sort.by if asked.sort is not None else "n"
    wants = Wanted.of(asked)
    if wants.rule is not None or wants.cluster is not None:
        return Picked((getattr(row, by), row.n) for row in _few(index, wants) if wants.takes(row))
    if by == "n" and not asked.filters:
        return Shelves(index.connection, "rows", "n", (), [Shelf((), index.row_count)], "n")
    columns: tuple[str, ...] = ("flags",)
    if wants.label is not None:
        by = by if by == "tokens" else "n"  # rows of one label have the same answer
        columns = ("flags", "label")
    shelves = (one for one in _shelves(index, wants.label) if wants.takes_flags(int(one.values[0])))
    return Shelves(index.connection, "rows", "n", columns, shelves, by, between=wants.length)


def _shelves(index: Index, label: int | None) -> Iterator[Shelf]:
    """The rows by what they agree in: those of the index, then those that gained a flag since."""
    counted: Counted = [((flags,), count) for flags, count in index.facts["flags"]]
    if label is not None:
        counted = index.labels_by_flags(label)
    gone, came = moved_by_flags(index, label)
    table = OTHERS if gone else ""
    moved = dict(gone)
    yield from (Shelf(at, count - moved.get(at, 0), table=table) for at, count in counted)
    yield from (Shelf(at, count, table=FLAGGED) for at, count in came)


def _few(index: Index, wants: Wanted) -> list[Row]:
    """The rows that a rule has found, or a cluster holds: few enough to be held."""
    of_rule = None if wants.rule is None else index.rows_of_rule(wants.rule)
    of_cluster = None if wants.cluster is None else rows_of(index, wants.cluster)
    if of_rule is None or of_cluster is None:
        return with_flags(index, of_rule or of_cluster or [])
    found = {row.n for row in of_rule}
    return with_flags(index, [row for row in of_cluster if row.n in found])


def findings_asked_for(index: Index, asked: Asked) -> Shelves:
    """A version's findings as an address asks for them, severe ones first where that is the order
    and always in the order of the file beneath it.
    """
    is_by_severity = asked.sort is not None and asked.sort.key == "severity"
    shelves = (
        Shelf((severity, rule), count, SEVERITIES.index(severity) if is_by_severity else 0)
        for severity, rule, count in index.kept_findings()
        if all(takes(severity, rule) for takes in asked.where)
    )
    return Shelves(index.connection, index.found_in, "id", ("severity", "rule"), shelves, "id")
