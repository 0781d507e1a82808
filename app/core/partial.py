"""A file on its way in that outlives its requests: what has arrived lies in a `.part` beside the
blobs, whoever dies.

How much is here is what the file says, and nothing else. A lock on it keeps two senders apart, in
every process and on every machine that shares the folder; the system takes it from the dead.
"""

import errno
import fcntl
import hashlib
import os
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from app.core import storage
from app.core.errors import Conflict, Locked, NotFound, TooLarge

GONE = "This upload is over: it was removed, or nothing came for a day. Begin it again."
BUSY = "Another request is at this upload. Ask for its offset in a moment, and go on there."
NO_ROOM = "The disk is full. What has arrived is kept for a day: go on when there is room."
READ_BYTES, SEND_BYTES = 4 * 2**20, 16 * 2**20
MOST_HASHES = 200


class Arrived(NamedTuple):
    """How many bytes are here, and when the last of them came, in seconds since 1970."""

    length: int
    at: float


@dataclass
class _Hashed:
    """The hash of a part's first `length` bytes."""

    digest: Any = field(default_factory=hashlib.sha256)
    length: int = 0


# How far this process has hashed parts. Such a state can be neither stored nor handed to another
# process: who has none reads the bytes once more in the end.
_hashes: dict[str, _Hashed] = {}


def begin(size: int) -> str:
    """A new empty part for so many bytes; its name. Raises DiskFull where they cannot fit."""
    storage.check_room(storage.folder("blobs"), more=size)
    name = uuid.uuid4().hex
    os.close(os.open(_path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return name


def arrived(name: str, *, is_safe: bool = True) -> Arrived | None:
    """What is here, and safely on the disk unless that is not asked for. None: nothing any more."""
    try:
        number = os.open(_path(name), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        state = os.fstat(number)  # first: what comes while the disk is at work is not safe yet
        if is_safe:
            os.fsync(number)
    finally:
        os.close(number)
    return Arrived(state.st_size, state.st_mtime)


def remove(name: str) -> None:
    """Forget what has arrived."""
    _hashes.pop(name, None)
    _path(name).unlink(missing_ok=True)


def _path(name: str) -> Path:
    """Where a part lies. No name but one of ours reaches the file system."""
    return storage.folder("blobs") / f"{uuid.UUID(hex=name).hex}.part"


class Partial:
    """A part in one pair of hands: bytes are added behind those that are here.

    Entering raises Locked while it is in another's, and NotFound where it is gone. Leaving keeps
    what has arrived.
    """

    def __init__(self, name: str, *, size: int) -> None:
        self.name, self.size = name, size
        self._path = _path(name)
        self._is_mine = True

    def __enter__(self) -> Self:
        try:
            self._number = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotFound(GONE) from error
        try:
            self._take()
        except BaseException:
            os.close(self._number)
            raise
        return self

    def _take(self) -> None:
        try:
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            state = os.fstat(self._number)
            if not os.path.samestat(state, self._path.stat()):
                raise NotFound(GONE)
        except BlockingIOError as error:
            raise Locked(BUSY, headers={"Retry-After": "1"}) from error
        except FileNotFoundError as error:  # whoever had it has made it a blob, or removed it
            raise NotFound(GONE) from error
        self.length = state.st_size
        self._look_again_at = self._sent = self.length
        self._hashed = _hashes.pop(self.name, _Hashed())
        if self._hashed.length > self.length:  # a disk that lost power gave bytes back
            self._hashed = _Hashed()

    def write(self, chunk: bytes) -> None:
        """Add the next bytes. Raises TooLarge past the declared size, and DiskFull."""
        if self.length + len(chunk) > self.size:
            raise TooLarge(f"More than the {self.size:,} bytes that were declared.")
        if self.length >= self._look_again_at:
            self._look_again_at = self.length + storage.LOOK_EVERY_BYTES
            storage.check_room(self._path.parent, words=NO_ROOM)
        rest = memoryview(chunk)
        with storage.telling_a_full_disk(NO_ROOM):
            while rest:
                count = os.pwrite(self._number, rest, self.length)
                if self._hashed.length == self.length:
                    self._hashed.digest.update(rest[:count])
                    self._hashed.length += count
                self.length += count
                rest = rest[count:]
        if self.length - self._sent >= SEND_BYTES and sys.platform == "linux":
            # The disk begins while the rest arrives: in the end there is little to wait for.
            length = self.length - self._sent
            os.posix_fadvise(self._number, self._sent, length, os.POSIX_FADV_DONTNEED)
            self._sent = self.length

    def sync(self) -> None:
        """Force to the disk what was added: what is answered now is true after a power cut."""
        with storage.telling_a_full_disk(NO_ROOM):
            os.fsync(self._number)

    def cut_back(self, length: int) -> None:
        """Take back what was added behind so many bytes."""
        os.ftruncate(self._number, length)
        self.length = length
        self._sent = min(self._sent, length)
        if self._hashed.length > length:
            self._hashed = _Hashed()

    def sha256(self) -> str:
        """The hash of all bytes in hex; those that this process did not see come are read now.

        Raises Conflict while some are missing.
        """
        if self.length != self.size:
            raise Conflict(
                f"{self.length:,} of {self.size:,} bytes have arrived. Send the rest first."
            )
        buffer = bytearray(READ_BYTES)
        while self._hashed.length < self.length:
            count = os.preadv(self._number, [buffer], self._hashed.length)
            if not count:
                raise OSError(errno.EIO, "a part is shorter than it was", self._path.name)
            self._hashed.digest.update(memoryview(buffer)[:count])
            self._hashed.length += count
        return str(self._hashed.digest.hexdigest())

    def become_blob(self, sha256: str) -> None:
        """Lay the whole file to where its hash says."""
        self.sync()
        storage.move_in(self._path, sha256)
        self._is_mine = False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_mine:
            _hashes[self.name] = self._hashed
            while len(_hashes) > MOST_HASHES:
                _hashes.pop(next(iter(_hashes)), None)
        os.close(self._number)
