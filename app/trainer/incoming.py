"""Bytes on their way to disk: written as they come, kept whole or not at all."""

import os
import sys
from pathlib import Path

_SEND_BYTES = 32 << 20


class Incoming:
    """The bytes of one file, or of one part behind others; nothing before `start` is touched."""

    def __init__(self, path: Path, *, start: int = 0) -> None:
        self.path = path
        self.start = start
        self.size = self._sent = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # What a part left behind that broke off with the server.
        os.ftruncate(self._descriptor, start)
        os.lseek(self._descriptor, start, os.SEEK_SET)

    def write(self, *pieces: bytes) -> None:
        """Append, as they are: joined first, they would be copied. Raises OSError: a full disk."""
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[os.write(self._descriptor, view) :]
            self.size += len(piece)
        if self.size - self._sent >= _SEND_BYTES and sys.platform == "linux":
            # The disk begins while the rest arrives: at the end there is little to wait for.
            place, length = self.start + self._sent, self.size - self._sent
            os.posix_fadvise(self._descriptor, place, length, os.POSIX_FADV_DONTNEED)
            self._sent = self.size

    def finish(self) -> None:
        """Everything is here: force it to disk."""
        os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1

    def drop(self) -> None:
        """Forget it, finished or not."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, self.start)
            os.close(self._descriptor)
            self._descriptor = -1
        if not self.start:
            self.path.unlink(missing_ok=True)
