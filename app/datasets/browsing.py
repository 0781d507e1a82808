"""The tables of a version's rows and of its findings: what each can be sorted and filtered by."""

from collections.abc import Callable
from dataclasses import replace

from app.core.listing import Asked, Column, Filter, Table, among
from app.datasets.index import Flag, Index
from app.datasets.shelves import Shelf, Shelves
from app.formats.base import Severity

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
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
    ),
    start="row",
    beside=("row",),
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


def rows_asked_for(index: Index, asked: Asked) -> Shelves:
    """A version's rows as an address asks for them."""
    by = asked.sort.by if asked.sort is not None else "n"
    if by == "n" and not asked.filters:
        return Shelves(index.connection, "rows", "n", (), [Shelf((), index.row_count)], "n")
    shelves = (
        Shelf((flags,), count)
        for flags, count in index.facts["flags"]
        if all(takes(flags) for takes in asked.where)
    )
    return Shelves(index.connection, "rows", "n", ("flags",), shelves, by)


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
    return Shelves(index.connection, "findings", "id", ("severity", "rule"), shelves, "id")
