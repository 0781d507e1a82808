"""The words every format speaks: a finding, a line that cannot be read, and what a format must be able to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Severity = Literal["error", "warning", "hint"]
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says about a row, or about one field of it.

    `rule` is a stable dotted name, `field` a path such as `messages[2].role` or None for the row as a whole. `reason`
    and `cure` are sentences for a person.
    """

    rule: str
    field: str | None
    severity: Severity
    reason: str
    cure: str


class Unreadable(Exception):  # noqa: N818 - it says what the line is, as the rest of the product does
    """A line that cannot be read safely; nothing further is known about it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding


class Format(Protocol):
    """One kind of row. Pure: no file, no clock, no database."""

    name: str
    title: str

    def matches(self, value: Mapping[str, Any]) -> bool:
        """Whether a row with these keys means to be of this format, however badly it is made."""
        ...

    def findings(self, value: JsonObject) -> list[Finding]:
        """Everything wrong with a row of this format, in the order of the row."""
        ...
