"""What takes space in the home, and what of it nobody needs: only looks, removes nothing."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from app.core import storage
from app.settings import settings

DAY = 86_400
COPIES_DAYS = 30


class Waste(NamedTuple):
    """A file that may go once it is `seconds` old."""

    path: Path
    seconds: float


class Known(NamedTuple):
    """What rows name: hashes of blobs, ids of dataset versions, ids of jobs."""

    blobs: frozenset[str]
    versions: frozenset[str]
    jobs: frozenset[str]


# Where the bytes of each kind lie, below the home.
KINDS = {
    "blobs": "blobs",
    "indexes": "index",
    "events": "events",
    "runs": "trainer",
    "logs": "logs",
    "broker": "valkey",
}


def measured() -> dict[str, int]:
    """Bytes on the disk by kind of thing."""
    home = settings().home
    found = {kind: sum(map(_size, _files(home / name))) for kind, name in KINDS.items()}
    path = storage.sqlite_path()
    if path is not None:
        journals = (path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))
        found["database"] = sum(map(_size, (path, *journals)))
        found["copies"] = sum(map(_size, storage.copies_of(path)))
    found["copies"] = found.get("copies", 0) + sum(
        _size(file) for kept in _set_aside(home) for file in _files(kept)
    )
    return {kind: size for kind, size in found.items() if size}


def waste(known: Known) -> Iterator[tuple[str, Waste]]:
    """Everything that no row names, by kind: torn uploads, bytes without a row, indexes and logs of
    what is gone, and what a restore set aside a month ago.
    """
    home = settings().home
    for path in _files(home / "blobs"):
        if path.suffix == ".part":
            yield "parts", Waste(path, storage.PART_SECONDS)
        elif len(path.name) == storage.SHA256_LENGTH and path.name not in known.blobs:
            yield "orphans", Waste(path, DAY)
    for path in _files(home / "index"):
        if path.name.partition(".")[0] not in known.versions:
            yield "indexes", Waste(path, DAY)
    for path in _files(home / "events"):
        if path.stem not in known.jobs:
            yield "events", Waste(path, DAY)
    for kept in _set_aside(home):
        for path in _files(kept):
            yield "aside", Waste(path, COPIES_DAYS * DAY)


def summed(found: Iterator[tuple[str, Waste]], now: float) -> dict[str, Any]:
    """Files and bytes that may go now, by kind."""
    totals: dict[str, Any] = {}
    for kind, (path, seconds) in found:
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        if now - state.st_mtime >= seconds:
            one = totals.setdefault(kind, {"files": 0, "bytes": 0})
            one["files"] += 1
            one["bytes"] += state.st_size
    return totals


def _set_aside(home: Path) -> list[Path]:
    """The folders that a restore put aside."""
    return [
        path
        for name in ("index", "events", "trainer")
        for path in home.glob(f"{name}-before-*")
        if path.is_dir()
    ]


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def _size(path: Path) -> int:
    try:
        state = path.lstat()
    except OSError:
        return 0
    return min(state.st_size, state.st_blocks * 512) if state.st_blocks else state.st_size
