"""What a backup is: one ZIP file with rows as JSON lines, files as they are, and a manifest.

It is written from front to back and read in any order. The manifest comes last: a file without one
was never finished.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec
from sqlalchemy.exc import StatementError

from app.core import storage
from app.core.database import has_no_room
from app.core.errors import DiskFull, ProductError

FORMAT = 1
MANIFEST = "manifest.json"
README = "README.txt"
ROWS, BLOBS, EVENTS, INDEXES, TRAINER = "database", "blobs", "events", "index", "trainer"
# Nobody comes back signed in, no used link works again, no process is where it was, and no upload
# goes on: what had arrived of it is left out too.
LEFT_OUT = frozenset(
    {
        "connection_tests",
        "failed_sign_ins",
        "heartbeat",
        "invitations",
        "single_use_links",
        "uploads",
        "user_sessions",
    }
)
PIECE_BYTES = 2**20
# What is read whole: no backup of ours comes near, and one that was made to do harm stays small.
MOST_MANIFEST_BYTES = MOST_LINE_BYTES = 64 * 2**20
# What reading bytes and rows raises that are not what they should be.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,  # a way of compressing that zipfile does not know
    RuntimeError,  # encrypted
    LookupError,
    ValueError,
    TypeError,
    OverflowError,
    msgspec.MsgspecError,
    StatementError,
)

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
    except (OSError, *DAMAGE) as error:
        raise Unreadable(
            f"{path} is not a whole backup: {error}. Was it cut off on its way?"
        ) from error


def manifest_of(archive: zipfile.ZipFile) -> Manifest:
    """What the archive says of itself. Raises Unreadable."""
    try:
        if archive.getinfo(MANIFEST).file_size > MOST_MANIFEST_BYTES:
            raise Unreadable("This file is no backup of Luthier: its manifest has no end.")
        found = msgspec.json.decode(archive.read(MANIFEST))
        if isinstance(found, dict) and found.get("format") == FORMAT:
            return msgspec.convert(found, Manifest)
    except DAMAGE as error:
        raise Unreadable("This file is no backup of Luthier, or was never finished.") from error
    raise Unreadable("This backup was made by a newer Luthier. Restore it with that version.")


@contextmanager
def undamaged(what: str) -> Iterator[None]:
    """Raises Unreadable where what is read inside is not what was written, and DiskFull where it
    has no room.
    """
    try:
        yield
    except (OSError, *DAMAGE) as error:
        if has_no_room(error) or storage.is_full(error):
            raise DiskFull(
                "The disk is full; nothing was changed. Free some space first."
            ) from error
        raise Unreadable(f"The backup is damaged: {what}.") from error


def lines_in(archive: zipfile.ZipFile, table: str) -> Iterator[bytes]:
    """The rows of a table, a line each. Raises ValueError for a line without an end."""
    with archive.open(f"{ROWS}/{table}.jsonl") as member:
        while line := member.readline(MOST_LINE_BYTES):
            if len(line) == MOST_LINE_BYTES:
                raise ValueError("a line has no end")
            yield line


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
