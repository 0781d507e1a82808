"""What a backup is: one ZIP file with rows as JSON lines, files as they are, and a manifest.

It is written from front to back and read in any order. The manifest comes last: a file without one
was never finished.
"""

import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from app.core.errors import ProductError

FORMAT = 1
MANIFEST = "manifest.json"
README = "README.txt"
ROWS, BLOBS, EVENTS, INDEXES, TRAINER = "database", "blobs", "events", "index", "trainer"
PIECE_BYTES = 2**20

NOTE = """A backup of a Luthier instance.

In it: every row of its database, every stored file, the indexes of the datasets, the logs of the
jobs, and the runs and models of the trainer that lives in its home.

Not in it: the instance's secret. Keys of connections are here as they lie in the database, sealed
with that secret. Keep it somewhere else: it is the file `secret` in the instance's home, or
LUTHIER_SECRET where the environment holds it. Put it in place before the restored instance starts;
without it, connections ask for their keys again and nothing else is lost. Not in it either: who is
signed in, and links that set a password.

To restore: LUTHIER_HOME=/an/empty/folder python -m app restore THIS_FILE
"""


class Rows(msgspec.Struct, frozen=True):
    """A table: its columns with their kinds, in the order of the values, and how many rows."""

    columns: dict[str, str]
    count: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in a backup. `revision` is the database's, `instance` follows from its secret;
    `missing` are blobs that a row named and that could not be read.
    """

    format: int
    revision: str
    made_at: datetime
    instance: str
    tables: dict[str, Rows]
    files: dict[str, int]
    bytes: int
    missing: list[str]


class Unreadable(ProductError):
    """This file is no backup, or not a whole one."""


def opened(path: Path) -> zipfile.ZipFile:
    """The archive at `path`. Raises Unreadable."""
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise Unreadable(
            f"{path} is not a whole backup: {error}. Was it cut off on its way?"
        ) from error


def manifest_of(archive: zipfile.ZipFile) -> Manifest:
    """What the archive says of itself. Raises Unreadable."""
    try:
        found = msgspec.json.decode(archive.read(MANIFEST))
    except (KeyError, zipfile.BadZipFile, msgspec.DecodeError) as error:
        raise Unreadable("This file is no backup of Luthier, or was never finished.") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise Unreadable("This backup was made by a newer Luthier. Restore it with that version.")
    return msgspec.convert(found, Manifest)


def lines_in(archive: zipfile.ZipFile, table: str) -> Iterator[bytes]:
    """The rows of a table, a line each."""
    with archive.open(f"{ROWS}/{table}.jsonl") as member:
        yield from member


def members(archive: zipfile.ZipFile, folder: str) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """The files below a folder of the archive, by their path in it. Raises Unreadable for a path
    that leads elsewhere.
    """
    for info in archive.infolist():
        path = PurePosixPath(info.filename)
        if path.parts[:1] != (folder,) or info.is_dir():
            continue
        if path.is_absolute() or ".." in path.parts or "\\" in info.filename:
            raise Unreadable(f"The backup holds a path that leads out of it: {info.filename}.")
        yield "/".join(path.parts[1:]), info


def pieces(file: IO[bytes], limit: int | None = None) -> Iterator[bytes]:
    """The file's bytes in pieces, at most `limit` of them."""
    left = limit
    while left is None or left > 0:
        piece = file.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
        if not piece:
            return
        left = None if left is None else left - len(piece)
        yield piece
