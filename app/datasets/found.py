"""What the check of a version found, as far as a provider may mind it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.core import storage
from app.datasets.index import Beyond, FindingGroup, Flag, open_index
from app.datasets.models import DatasetVersion


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

    def cut(self, cap: int) -> Beyond:
        """What of it would not be trained on where a row may have so many tokens."""
        if self.longest <= cap:
            return Beyond(0, 0, 0)
        with open_index(self.index) as opened:
            return opened.beyond(cap)


def found_in(version: DatasetVersion) -> Found:
    """What is known of a ready version. Raises IndexGone."""
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
