"""The words every format speaks: a finding, a line nobody can read, and what a format can do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from app.core.tokens import Count
from app.formats.drawn import Drawn

Severity = Literal["error", "warning", "hint"]
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says about a row, or about one field of it.

    `rule` is a stable dotted name, `field` a path such as `messages[2].role` or None for the row as
    a whole. `reason` and `cure` are sentences for a person.
    """

    rule: str
    field: str | None
    severity: Severity
    reason: str
    cure: str


class Unreadable(Exception):
    """A line that cannot be read safely; nothing further is known about it."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding


class Text(msgspec.Struct, frozen=True, gc=False):
    """A text of a row that a person wrote or reads.

    `field` is its path, such as `messages[2].content`. `role` is that of its message; `call` for
    what a model hands to a tool, `rejected` for the answer that is not preferred, `field` for a
    value beside the conversation, which a grader or a template uses.
    """

    field: str
    role: str
    text: str


class Measured(msgspec.Struct, frozen=True, gc=False):
    """What the statistics need of one row, whatever its format.

    `tokens` is the row's estimate, of which `role_tokens[i]` belong to the message of `roles[i]`;
    `definition_tokens` come on top for tools. `prompt` is what the row asks and `rest` all else, as
    bytes in which no two different rows agree however they are written. `answer` is the last answer
    as text, `system` the system prompt; `tags` are short values beside it, each with its field.
    """

    tokens: int
    roles: tuple[str, ...]
    role_tokens: tuple[int, ...]
    trained: int
    prompt: bytes
    rest: bytes
    system: str | None
    answer: str | None
    has_weights: bool = False
    has_images: bool = False
    has_tools: bool = False
    definition_tokens: int = 0
    tags: tuple[tuple[str, str], ...] = ()


class ReadSlowly:
    """What a format is without a quick way: every row goes the slow one."""

    def quick(self, _block: bytes, strings: Sequence[int], _count: Count) -> list[Measured | None]:
        """None in the place of every line; see `Format.quick`."""
        return [None] * len(strings)


def canonical(value: JsonObject) -> bytes:
    """A row as bytes that do not depend on spaces, escapes or the order of keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


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

    def texts(self, value: JsonObject) -> list[Text]:
        """Every text in it that is not empty, in the order of the row, as far as it follows the
        format. Definitions of tools are none: they repeat in every row.
        """
        ...

    def draw(self, value: JsonObject) -> Drawn:
        """The row as a page shows it, as far as it follows the format."""
        ...

    def measure(self, value: JsonObject, count: Count) -> Measured:
        """The statistics of a row that could be read, as far as it follows the format."""
        ...

    def quick(self, block: bytes, strings: Sequence[int], count: Count) -> list[Measured | None]:
        """The same statistics straight from whole lines: for each of them, or None in its place.

        Every line of `block` ends with its newline; `strings` is how many strings stand on each
        (`app.formats.strings`).

        Not None is a promise: reading the line slowly would raise nothing, find nothing, and
        measure exactly this. None promises nothing; the slow way decides.
        """
        ...
