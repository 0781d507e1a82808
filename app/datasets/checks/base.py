"""What the checks share: how far they are, what they have counted, and what a check must be."""

import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

from app.core.tokens import O200K
from app.datasets.parts import Kept
from app.formats.base import Finding, Severity

Phase = Literal["converting", "reading", "finishing", "done"]
Located = tuple[int | None, Finding]

# The second pass counts its findings from here, so that one cursor pages through both files.
DEEP_FINDINGS = 10**9

LABEL_LENGTH = 80
LABEL_LIMIT = 200
SHAPE_LIMIT = 1_000
SYSTEM_LIMIT = 64
SYSTEM_LENGTH = 20_000


@dataclass(frozen=True, slots=True)
class Progress(Kept):
    """How far the check of a version is. Plain values: it is kept as JSON beside the version.

    `offset` bytes and `line` lines are behind it; `step` counts the finishing steps. The other
    numbers are what was found so far; `structural` counts lines that cannot be read.
    """

    offset: int = 0
    line: int = 0
    rows: int = 0
    tokens: int = 0
    error: int = 0
    warning: int = 0
    hint: int = 0
    structural: int = 0
    phase: Phase = "reading"
    step: int = 0

    @property
    def is_done(self) -> bool:
        """Whether the index is finished and `verdict` can be asked."""
        return self.phase == "done"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a check takes on, in bytes and counts; the instance's settings say how much."""

    line: int
    rows: int
    structural_errors: int
    findings_per_rule: int = 10_000


@dataclass(slots=True)
class Tally:
    """What is counted while the rows go by. Bounded in memory whatever the file holds."""

    trained_messages: int = 0
    definition_tokens: int = 0
    roles: dict[str, list[int]] = field(default_factory=dict)  # role: messages, rows, tokens
    lengths: dict[str, dict[int, int]] = field(default_factory=dict)  # role: rows by their tokens
    turns: dict[int, int] = field(default_factory=dict)
    labels: dict[str, int] | None = field(default_factory=dict)
    unlabelled: int = 0
    tags: dict[str, dict[str, int] | None] = field(default_factory=dict)  # field: rows by value
    systems: dict[str, int] = field(default_factory=dict)
    groups: dict[str, list[Any]] = field(default_factory=dict)  # rule: severity, count, rows, words
    first_bad: list[Any] | None = None  # line, rule, whether the lines before it are fine
    bad_lines: int = 0
    formless_keys: list[str] | None = None
    format: str | None = None
    is_stopped: bool = False
    encoding: str = O200K


class Check(Protocol):
    """A check of the file as a whole, made on the index once every row is in it.

    A check of single rows belongs to its format; what needs more than one row, or a number that
    only the whole file has, is one file here and one line in the registry.
    """

    name: str

    def findings(self, seen: "Seen") -> Iterator[Located]:
        """What it says, each with the line it concerns (None: the file). Streamed, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check of the whole file may look at."""

    index: sqlite3.Connection
    tally: Tally
    progress: Progress
    size: int


@dataclass(frozen=True, slots=True)
class Bin:
    """One bar of a histogram: `count` rows of `first` to `last` tokens."""

    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of a version came to. Token figures are estimates by the cookbook's rule, as
    `encoding` counts.

    `roles` maps a role to its messages, the rows that have it and its tokens. `labels` are the
    answers by how often, commonest first, where answers are few short texts; else None.
    `system_prompt` is the commonest, `system_prompt_rows` how many rows carry it.
    `definition_tokens` are those of tool definitions; the cookbook and `tokens` leave them out.
    """

    status: Literal["ready", "rejected"]
    reason: str | None
    format: str | None
    rows: int
    tokens: int
    findings: dict[Severity, int]
    histogram: tuple[Bin, ...]
    median_tokens: int
    longest_tokens: int
    longest_line: int | None
    roles: dict[str, dict[str, int]]
    turns: dict[int, int]
    trained_messages: int
    definition_tokens: int
    labels: tuple[tuple[str, int], ...] | None
    system_prompt: str | None
    system_prompt_rows: int
    encoding: str = O200K

    def as_json(self) -> dict[str, Any]:
        """The values by name, nested ones included, as JSON keeps them."""
        return asdict(self)
