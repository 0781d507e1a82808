"""What came home of an eval: its JSON, that of its runs, and their output items line by line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from app.core import storage

# A run may carry its rows within itself; beyond this nobody reads it whole.
WHOLE_BYTES = 64 * 2**20
LINE_BYTES, PAGE_BYTES = 4_000_000, 16_000_000
LONGEST_LINE = 64 * 2**20
BLOCK_BYTES = 2**20


class Source(msgspec.Struct):
    """Where a run's rows came from, without the rows."""

    type: Any = None
    id: Any = None


class DataSource(msgspec.Struct):
    """What a run asked, and of whom."""

    type: Any = None
    model: Any = None
    input_messages: Any = None
    sampling_params: Any = None
    source: Source | None = None


class Run(msgspec.Struct):
    """A run as OpenAI wrote it, as far as pages and exports need it; every value may be anything
    but those that are typed.
    """

    id: Any = None
    name: Any = None
    model: Any = None
    status: Any = None
    created_at: Any = None
    error: Any = None
    result_counts: dict[str, Any] | None = None
    per_model_usage: list[dict[str, Any]] | None = None
    per_testing_criteria_results: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None
    data_source: DataSource | None = None


def read_run(sha256: str | None) -> Run | None:
    """The run in a blob; None where nothing lies there, or nothing like a run."""
    try:
        return msgspec.json.decode(_whole(sha256), type=Run)
    except (OSError, ValueError, RecursionError):
        return None


def read_object(sha256: str | None) -> dict[str, Any] | None:
    """The JSON object in a blob; None where there is none."""
    try:
        found = msgspec.json.decode(_whole(sha256))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _whole(sha256: str | None) -> bytes:
    path = storage.blob_path(sha256 or "")
    if path.stat().st_size > WHOLE_BYTES:
        raise ValueError("Too long to be read whole.")
    return path.read_bytes()


class Line(NamedTuple):
    """One line of a blob: its number from 1, the byte it begins at, that of the next, its bytes;
    None for one that is too long.
    """

    number: int
    at: int
    next_at: int
    content: bytes | None


def lines_from(
    path: Path, *, number: int = 1, at: int = 0, longest: int = LONGEST_LINE
) -> Iterator[Line]:
    """The lines of a blob from the one of that number on, which begins at byte `at`."""
    with path.open("rb") as file:
        file.seek(at)
        while content := file.readline(longest + 1):
            begin, is_whole = at, len(content) <= longest or content.endswith(b"\n")
            at += len(content)
            if not is_whole:
                at = _behind_line(file, at)
            yield Line(number, begin, at, content.rstrip(b"\r\n") if is_whole else None)
            number += 1


def _behind_line(file: Any, at: int) -> int:
    while piece := file.readline(BLOCK_BYTES):
        at += len(piece)
        if piece.endswith(b"\n"):
            break
    return at


def place_of(path: Path, number: int, hint: int | None = None) -> int | None:
    """The byte at which the line of that number begins; None where there are not so many. A `hint`
    that is no beginning of a line counts for nothing; one of another line is the asker's own
    mistake.
    """
    with path.open("rb") as file:
        if hint and number > 1:
            file.seek(hint - 1)
            if file.read(1) == b"\n" and file.read(1):
                return hint
            file.seek(0)
        passed, at = 1, 0
        while passed < number and (block := file.read(BLOCK_BYTES)):
            ends = block.count(b"\n")
            if passed + ends < number:
                passed, at = passed + ends, at + len(block)
                continue
            place = -1
            for _ in range(number - passed):
                place = block.index(b"\n", place + 1)
            passed, at = number, at + place + 1
        file.seek(at)
        return at if passed == number and (file.read(1) or number == 1) else None


def read_line(line: Line) -> dict[str, Any] | None:
    """The JSON object on a line, or None."""
    try:
        found = msgspec.json.decode(line.content or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one: whatever the provider wrote, pages stand."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def number(value: Any) -> int | None:
    """A whole number or nothing; true is no number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def figure(value: Any) -> float | None:
    """A number or nothing."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def is_error(value: Any) -> bool:
    """Whether the provider's `error` says anything: it also writes one without code and words."""
    return bool(value) and (
        not isinstance(value, dict) or bool(value.get("message") or value.get("code"))
    )


def error_words(value: Any) -> str:
    """What an `error` says."""
    if not is_error(value):
        return ""
    told = mapping(value)
    return str(told.get("message") or told.get("code") or value)
