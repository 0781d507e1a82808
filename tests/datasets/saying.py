"""Rows as the second pass hands them to its checks."""

from app.datasets.checks.deep.base import DeepCheck, Said
from app.formats.base import Finding, JsonObject, Text


def said(*texts: tuple[str, str], line: int = 1, value: JsonObject | None = None) -> Said:
    """A row of these (role, text)."""
    placed = [Text(f"messages[{at}].content", role, text) for at, (role, text) in enumerate(texts)]
    return Said(line, line, 0, b"", 0, value or {}, placed)


def answers(*texts: str) -> list[Said]:
    """One row an answer, from line 1."""
    return [
        said(("user", "Why?"), ("assistant", text), line=at) for at, text in enumerate(texts, 1)
    ]


def look(check: type[DeepCheck], rows: list[Said], part=None) -> list[tuple[int | None, Finding]]:
    """What a check says of rows it is handed in one batch, and at the end."""
    made = check({})
    return [*made.look(rows, part), *made.end(part)]


def rules(found: list[tuple[int | None, Finding]]) -> list[tuple[int | None, str]]:
    """Lines and rules."""
    return [(line, finding.rule) for line, finding in found]
