"""What a file that came home holds, told by its first rows; and why some stay as they came."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from app.core import storage
from app.datasets.checks.kinds import BOM, finding_about
from app.formats.base import JsonObject, Unreadable
from app.formats.preference import OLDER, OUTPUTS
from app.formats.reading import read_object
from app.formats.registry import FORMATS, format_of

# A row with pictures in it may be long; of a file of those the first has to do.
LONGEST_ROW, ENOUGH_BYTES, ENOUGH_ROWS = 64 * 2**20, 4 * 2**20, 20

FIGURES = "A run's own figures by step, which its job's chart shows."
STRANGE = "Rows of no format that Luthier knows."
EMPTY = "An empty file."


class Shape(NamedTuple):
    """Rows told by their keys. `name` is what their format is or will be called."""

    name: str
    title: str
    fits: Callable[[Sequence[JsonObject]], bool]

    @property
    def words(self) -> str:
        return f"{self.title}: becomes a dataset when Luthier has that format."


def _prefers(rows: Sequence[JsonObject]) -> bool:
    return "input" in rows[0] and any(key in rows[0] for key in (*OUTPUTS, *OLDER))


def _asks_only(rows: Sequence[JsonObject]) -> bool:
    """Conversations that end with a question, for a grader to judge what is answered."""
    return all(_last_role(row) == "user" for row in rows)


def _last_role(row: Mapping[str, Any]) -> str | None:
    messages = row.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return last.get("role") if isinstance(last, dict) else None


def _completes(rows: Sequence[JsonObject]) -> bool:
    return {"prompt", "completion"} <= rows[0].keys()


def _is_evaluated(rows: Sequence[JsonObject]) -> bool:
    return isinstance(rows[0].get("item"), dict)


SHAPES = (
    Shape("preference", "Preference rows", _prefers),
    Shape("reinforcement", "Reinforcement rows", _asks_only),
    Shape("completion", "Pairs of prompt and completion", _completes),
    Shape("eval_item", "Rows of an evaluation", _is_evaluated),
)
WAITING_WORDS = frozenset(shape.words for shape in SHAPES)


def why_raw(sha256: str) -> str | None:
    """Why the file with this content is no dataset; None when it can be one."""
    with storage.blob_path(sha256).open("rb") as file:
        if finding := finding_about(file.read(64)):
            return finding.reason
        file.seek(0)
        rows, has_lines = _first_rows(iter(lambda: file.readline(LONGEST_ROW), b""))
    if not rows:
        return STRANGE if has_lines else EMPTY
    shape = next((one for one in SHAPES if one.fits(rows)), None)
    if shape is not None and shape.name not in FORMATS:
        return shape.words
    return None if any(format_of(row) for row in rows) else STRANGE


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
