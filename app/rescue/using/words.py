"""What a file that came home holds, told by its first rows; and why some stay as they came."""

from collections.abc import Iterator
from contextlib import suppress

from app.core import storage
from app.formats.base import JsonObject, Unreadable
from app.formats.kinds import finding_about
from app.formats.reading import BOM, read_object
from app.formats.registry import recognise

# A row with pictures in it may be long; of a file of those the first has to do.
LONGEST_ROW, ENOUGH_BYTES, ENOUGH_ROWS = 64 * 2**20, 4 * 2**20, 20

FIGURES = "A run's own figures by step, which its job's chart shows."
STRANGE = "Rows of no format that Luthier knows."
EMPTY = "An empty file."


# What an earlier Luthier, which knew chat alone, said of files that are datasets now.
WAITING_WORDS = frozenset(
    f"{title}: becomes a dataset when Luthier has that format."
    for title in (
        "Preference rows",
        "Reinforcement rows",
        "Pairs of prompt and completion",
        "Rows of an evaluation",
    )
)


def why_raw(sha256: str) -> str | None:
    """Why the file with this content is no dataset; None when it can be one."""
    with storage.blob_path(sha256).open("rb") as file:
        if finding := finding_about(file.read(64)):
            return finding.reason
        file.seek(0)
        rows, has_lines = _first_rows(iter(lambda: file.readline(LONGEST_ROW), b""))
    if not rows:
        return STRANGE if has_lines else EMPTY
    return None if recognise(rows) else STRANGE


def _first_rows(lines: Iterator[bytes]) -> tuple[list[JsonObject], bool]:
    """The first rows that can be read, and whether there were lines at all."""
    rows: list[JsonObject] = []
    seen, has_lines = 0, False
    for line in lines:
        if not line.strip():
            continue
        has_lines = True
        with suppress(Unreadable):
            rows.append(read_object(line.removeprefix(BOM).rstrip(b"\n")))
        seen += len(line)
        if len(rows) == ENOUGH_ROWS or seen > ENOUGH_BYTES:
            break
    return rows, has_lines
