"""What the check of a version found, as far as a provider may mind it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.core import storage
from app.datasets.index import FindingGroup, Flag, Index, open_index
from app.datasets.models import DatasetVersion

_LONGER = (
    "SELECT count(*), sum(tokens), sum(tokens - answer >= :cap) FROM rows"
    " WHERE flags = :flags AND tokens > :cap"
)
# An index made before rows were sorted has no answers either.
_LONGER_ONCE = "SELECT count(*), sum(tokens), 0 FROM rows WHERE tokens > :cap"


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cap on the tokens of a row leaves out: the rows beyond it, the tokens that are lost at
    their ends, and the rows of which the whole last answer is.
    """

    rows: int
    tokens: int
    answers: int


@dataclass(frozen=True, slots=True)
class Found:
    """A version that was checked: its format, its counts, and its findings by rule. `groups` count
    every finding of a rule, also those that are not kept one by one; `deeper` are those of the
    checks of contents, which no provider makes unless its profile says so.
    """

    name: str
    index: Path
    format: str | None
    rows: int
    tokens: int
    size: int
    longest: int
    image_rows: int
    has_byte_order_mark: bool
    groups: tuple[FindingGroup, ...]
    deeper: tuple[FindingGroup, ...] = ()

    def cut(self, cap: int) -> Cut:
        """What of it would not be trained on where a row may have so many tokens."""
        if self.longest <= cap:
            return Cut(0, 0, 0)
        with open_index(self.index) as opened:
            return _cut(opened, cap)


def found_in(version: DatasetVersion) -> Found:
    """What is known of a ready version. Raises FileNotFoundError where its index is gone."""
    return read(
        storage.index_path(version.id),
        name=f"{version.dataset.name}, version {version.number}",
        size=version.size,
    )


def read(index: Path, *, name: str, size: int) -> Found:
    """The same from a finished index; `size` is the file's, in bytes."""
    with open_index(index) as opened:
        facts = opened.facts
        groups = opened.finding_groups()
    verdict = facts["verdict"]
    first = {group["rule"] for group in facts["groups"]}
    return Found(
        name=name,
        index=index,
        format=verdict["format"],
        rows=verdict["rows"],
        tokens=verdict["tokens"],
        size=size,
        longest=verdict["longest_tokens"],
        image_rows=_rows_with(facts.get("flags", ()), Flag.IMAGES),
        has_byte_order_mark=any(group.rule == "read.bom" for group in groups),
        groups=tuple(group for group in groups if group.rule in first),
        deeper=tuple(group for group in groups if group.rule not in first),
    )


def _rows_with(counted: Iterable[tuple[int, int]], flag: Flag) -> int:
    return sum(rows for flags, rows in counted if flags & flag)


def _cut(opened: Index, cap: int) -> Cut:
    """Shelf by shelf, so that each is a stretch of the index by tokens."""
    shelves = opened.facts["flags"] if opened.is_sorted else []
    asked = [
        opened.connection.execute(_LONGER, {"cap": cap, "flags": flags}).fetchone()
        for flags, _ in shelves
    ] or [opened.connection.execute(_LONGER_ONCE, {"cap": cap}).fetchone()]
    rows, tokens, answers = (sum(part or 0 for part in parts) for parts in zip(*asked, strict=True))
    return Cut(rows, tokens - rows * cap, answers)
