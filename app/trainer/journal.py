"""Append-only JSON lines whose ids are byte offsets: one writer, any number of readers."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

_BLOCK = 1 << 16
Record = dict[str, Any]


class JournalWriter:
    """Appends records. A line torn by a crash is cut off when the journal is opened again."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        whole = whole_size(path)
        if whole != self._file.tell():
            self._file.truncate(whole)
            self._file.seek(whole)
        self.size = whole

    def append(self, record: Record) -> int:
        """Write one record and return its offset. Where there is no room for all of it (OSError),
        nothing of it stays.
        """
        offset = self.size
        left = memoryview(msgspec.json.encode(record) + b"\n")
        self.size += len(left)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            self.size = offset
            self._file.truncate(offset)
            raise
        return offset

    def sync(self) -> None:
        """Force everything to disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def whole_size(path: Path) -> int:
    """Bytes up to and including the last newline; 0 for a journal that does not exist."""
    try:
        with path.open("rb") as file:
            position = file.seek(0, os.SEEK_END)
            while position:
                start = max(0, position - _BLOCK)
                file.seek(start)
                found = file.read(position - start).rfind(b"\n")
                if found >= 0:
                    return start + found + 1
                position = start
    except FileNotFoundError:
        pass
    return 0


def newest(path: Path, *, before: int | None, limit: int) -> list[tuple[int, Record]]:
    """Up to `limit` records with their offsets, newest first, that begin before `before`.

    Reads only the part of the file asked for. Raises ValueError when `before` is no offset of a
    record.
    """
    end = whole_size(path)
    if before is not None and (before < 0 or before > end):
        raise ValueError("no record begins at this offset")
    if not end:
        return []
    with path.open("rb") as file:
        if before is not None and before:
            file.seek(before - 1)
            if file.read(1) != b"\n":
                raise ValueError("no record begins at this offset")
        position = end if before is None else before
        held = b""
        while position and held.count(b"\n") <= limit:
            start = max(0, position - _BLOCK)
            file.seek(start)
            held = file.read(position - start) + held
            position = start
    return _last_lines(held, position, limit)


def _last_lines(held: bytes, position: int, limit: int) -> list[tuple[int, Record]]:
    found: list[tuple[int, Record]] = []
    end = len(held)
    while end and len(found) < limit:
        start = held.rfind(b"\n", 0, end - 1) + 1
        found.append((position + start, msgspec.json.decode(held[start:end])))
        end = start
    return found


def oldest_first(path: Path) -> Iterator[Record]:
    """Every whole record, oldest first."""
    size = whole_size(path)
    if not size:
        return
    with path.open("rb") as file:
        while file.tell() < size:
            yield msgspec.json.decode(file.readline())
