"""Blobs, and whole checks of them, for the tests of datasets."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.datasets import checks
from app.datasets.checks.deep.passing import Checks
from app.datasets.derived.base import Deriver, Making
from app.datasets.derived.slices import derive_slice, derived_path
from app.datasets.index import Index, connect_finished, open_index

LIMITS = checks.Limits(line=100_000, rows=1_000_000, structural_errors=10_000)


@dataclass(frozen=True)
class Checked:
    """A version after its check."""

    blob: Path
    path: Path
    verdict: checks.Verdict
    progress: checks.Progress

    def index(self) -> Index:
        return open_index(self.path)

    def found(self) -> list[tuple[int | None, str]]:
        """Row and rule of all findings, in the order of the report."""
        with self.index() as index:
            return [(finding.row, finding.rule) for finding in index.findings(limit=100_000)]

    def ids(self) -> list[int]:
        with self.index() as index:
            return [row.row_id for row in index.each_row()]


def make_blob(folder: Path, content: bytes | Iterable[bytes], name: str = "blob") -> Path:
    """A file with these bytes, or with these lines."""
    path = folder / name
    path.write_bytes(
        content if isinstance(content, bytes) else b"".join(b"%s\n" % line for line in content)
    )
    return path


def slices(
    blob: Path,
    index: Path,
    *,
    limits: checks.Limits = LIMITS,
    inherit: Path | None = None,
    seconds: float = 0,
) -> Iterator[checks.Progress]:
    """Check in the shortest slices there are."""
    progress = checks.Progress()
    while not progress.is_done:
        progress = checks.check_slice(
            blob, index, progress, seconds=seconds, inherit=inherit, limits=limits
        )
        yield progress


def check(
    folder: Path,
    content: bytes | Iterable[bytes],
    *,
    name: str = "1",
    limits: checks.Limits = LIMITS,
    inherit: Checked | None = None,
) -> Checked:
    """Store these bytes, check them to the end."""
    blob = make_blob(folder, content, f"{name}.blob")
    index = folder / f"{name}.sqlite"
    earlier = inherit.path if inherit else None
    *_, progress = slices(blob, index, limits=limits, inherit=earlier)
    return Checked(blob, index, checks.verdict(index), progress)


def derive(checked: Checked, deriver: Deriver, *, seconds: float = 0) -> sqlite3.Connection:
    """Make a further file of a checked version, in the shortest slices there are; read-only."""
    making = Making()
    while not making.is_done:
        making = derive_slice(
            deriver, checked.blob, checked.path, making, seconds=seconds, alive=lambda: None
        )
    return connect_finished(derived_path(checked.path, deriver))


def looked_deep(checked: Checked) -> list[tuple[int | None, str]]:
    """Row and rule of all that the second pass found, in the order of the report."""
    with closing(derive(checked, Checks(), seconds=9)) as made:
        return made.execute("SELECT line, rule FROM findings ORDER BY id").fetchall()
