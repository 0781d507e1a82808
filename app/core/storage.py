"""Blobs by hash in a folder: written once, whole or not at all, never changed."""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from app.core.errors import DiskFull, TooLarge, WrongInput
from app.settings import settings

PIECE_BYTES = 2**20
LOOK_EVERY_BYTES = 64 * 2**20
PART_SECONDS = 86_400
NO_ROOM = "The disk is full; nothing was stored. Free some space, then upload again."
SHA256_LENGTH = 64


BALLAST_BYTES = 32 * 2**20


class Room(NamedTuple):
    """Bytes of the disk of the home. `is_low` is told early; `is_full` refuses uploads."""

    free: int
    total: int
    is_low: bool
    is_full: bool


class Blob(NamedTuple):
    """Stored bytes: their SHA-256 in hex and their number."""

    sha256: str
    size: int


def folder(name: str) -> Path:
    """A folder of the instance's home, made at first use and closed to others."""
    path = settings().home / name
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def blob_path(sha256: str) -> Path:
    """Where the bytes with this hash lie. Only a hash can be asked for: no name reaches the file
    system.
    """
    if len(sha256) != SHA256_LENGTH or not sha256.isalnum() or not sha256.isascii():
        raise ValueError("Not a SHA-256 in hex.")
    return settings().home / "blobs" / sha256[:2] / sha256


def is_stored(sha256: str) -> bool:
    """Whether the bytes of this hash lie here; nothing is stored under any other word."""
    try:
        return blob_path(sha256).exists()
    except ValueError:
        return False


def index_path(version_id: int) -> Path:
    """The derived index of one dataset version; it can be made again from the blob."""
    return folder("index") / f"{int(version_id)}.sqlite"


def room() -> Room:
    """How full the disk is that holds files and, where it is SQLite, the database."""
    place = settings().home
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    enough = min(usage.total * settings().disk_low_share, settings().disk_low)
    is_full = usage.free < settings().disk_reserve
    return Room(usage.free, usage.total, usage.free < enough or is_full, is_full)


def lay_ballast() -> None:
    """Keep some bytes of the disk for the hour when it is full: see `drop_ballast`."""
    path = folder("run") / "ballast"
    with contextlib.suppress(OSError):
        if not path.exists() and not room().is_full:
            with path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)


def drop_ballast() -> None:
    """The disk is full to the last byte: give the database room for signing in and cancelling."""
    (settings().home / "run" / "ballast").unlink(missing_ok=True)


def sqlite_path() -> Path | None:
    """Where the database lies; None where it is a server's."""
    url = settings().database_url
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else None


def copies_of(path: Path) -> list[Path]:
    """The copies that were put aside of a SQLite database, the oldest first."""
    return sorted(path.parent.glob(f"{path.stem}-before-*{path.suffix}"))


class Incoming:
    """Bytes on their way in: hashed while they are written to a `.part`, then moved to their hash's
    place.

    Leaving the block without `keep` removes the part. Raises TooLarge past the limit and DiskFull
    when the disk is.
    """

    def __init__(self, *, limit: int | None = None) -> None:
        self._limit = settings().upload_limit if limit is None else limit
        self._hash = hashlib.sha256()
        self._look_again_at = LOOK_EVERY_BYTES
        self.size = 0

    def __enter__(self) -> Self:
        place = folder("blobs")
        check_room(place)
        number, name = tempfile.mkstemp(suffix=".part", dir=place)
        self._path = Path(name)
        self._file = os.fdopen(number, "wb", buffering=PIECE_BYTES)
        return self

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise TooLarge(
                f"The file is larger than {self._limit:,} bytes, the limit of this instance."
            )
        if self.size > self._look_again_at:
            self._look_again_at = self.size + LOOK_EVERY_BYTES
            check_room(self._path.parent)
        self._hash.update(chunk)
        with telling_a_full_disk():
            self._file.write(chunk)

    def keep(self, *, size: int | None = None, sha256: str | None = None) -> Blob:
        """Make the bytes a blob, if they are as many and the same as the sender declared."""
        if size is not None and size != self.size:
            raise WrongInput.field(
                "file",
                f"Only {self.size:,} of {size:,} bytes arrived; nothing was kept. Upload it again.",
            )
        found = self._hash.hexdigest()
        if sha256 is not None and sha256.lower() != found:
            raise WrongInput.field(
                "file", "The bytes that arrived are not those that were sent (the SHA-256 differs)."
            )
        with telling_a_full_disk():
            self._file.flush()
            os.fsync(self._file.fileno())
        move_in(self._path, found)
        return Blob(found, self.size)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):  # a full disk was told before; the part goes anyway
            self._file.close()
        self._path.unlink(missing_ok=True)


def move_in(path: Path, sha256: str) -> None:
    """Make a file that is safely on the disk the blob of its hash."""
    target = blob_path(sha256)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with kept():  # its time of birth is now: whoever prunes sees either none or a young file
        os.utime(path)
        path.replace(target)


def check_room(place: Path, *, more: int = 0, words: str = NO_ROOM) -> None:
    """Leave the database its room. Raises DiskFull when less than the reserve is free, or would be
    with `more` bytes.
    """
    if shutil.disk_usage(place).free - more < settings().disk_reserve:
        raise DiskFull(words)


def forget_torn_parts() -> None:
    """Remove what uploads left that died a day ago or earlier."""
    for part in folder("blobs").glob("*.part"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > PART_SECONDS:
                part.unlink()


@contextlib.contextmanager
def telling_a_full_disk(words: str = NO_ROOM) -> Iterator[None]:
    """Turn what the system and SQLite say of a full disk into DiskFull."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if is_full(error):
            raise DiskFull(words) from error
        raise


def is_full(error: BaseException) -> bool:
    """True when the file system, or the share of it that is ours, has no room left."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def save_file(path: Path) -> Blob:
    """Store a copy of a file on this machine, without reading it whole."""
    with Incoming() as incoming, path.open("rb") as source:
        while chunk := source.read(PIECE_BYTES):
            incoming.write(chunk)
        return incoming.keep(size=path.stat().st_size)


def read_blob(sha256: str) -> Iterator[bytes]:
    """The stored bytes, in pieces."""
    with blob_path(sha256).open("rb") as file:
        while chunk := file.read(PIECE_BYTES):
            yield chunk


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """While this lasts nothing is pruned: what a snapshot of the database names stays readable."""
    with _lock(fcntl.LOCK_SH):
        yield


def remove_if_old(path: Path, *, seconds: float) -> int | None:
    """Remove a file nobody has renewed for so long; its bytes, 0 when it was spared. None, and
    nothing done, while a backup or an upload needs things to stay: ask again later.
    """
    try:
        with _lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
            state = path.stat()
            if time.time() - state.st_mtime < seconds:
                return 0
            path.unlink()
            return state.st_size
    except BlockingIOError:
        return None
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def _lock(how: int) -> Iterator[None]:
    number = os.open(folder("blobs") / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(number, how)
        yield
    finally:
        os.close(number)


@contextlib.contextmanager
def draft(suffix: str = ".part") -> Iterator[Path]:
    """A scratch file beside the blobs, gone afterwards: moving it into place stays on one file
    system.
    """
    number, name = tempfile.mkstemp(suffix=suffix, dir=folder("blobs"))
    os.close(number)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def append_line_file(name: str, *, keep: int, lines: list[bytes]) -> int:
    """Append to a job's event log after cutting it back to `keep` bytes, the length the database
    knows.

    Returns the new length. Run twice with the same arguments it leaves the same file. Raises
    DiskFull.
    """
    path = folder("events") / f"{name}.jsonl"
    with telling_a_full_disk(), path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(keep)
        file.seek(keep)
        file.write(b"".join(line.rstrip(b"\n") + b"\n" for line in lines))
        return file.tell()
