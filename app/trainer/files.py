"""Uploaded files, streamed to disk as they arrive, a JSON beside each; the folder is the truth."""

import os
import secrets
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from app.trainer.folder import write_json

PURPOSES = frozenset({"assistants", "batch", "fine-tune", "vision", "user_data", "evals"})
RESULTS = "fine-tune-results"
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as the wire knows it. Times are Unix seconds, size is bytes."""

    id: str
    size: int
    created_at: float
    filename: str
    purpose: str
    expires_at: int | None = None


class Incoming:
    """An upload that has not ended; nothing is a file before `keep`."""

    def __init__(self, folder: Path) -> None:
        self.id = f"file-{random_name(24)}"
        self.size = 0
        self._path = folder / f"{self.id}.part"
        self._file: BinaryIO = self._path.open("wb")

    def write(self, chunk: bytes) -> None:
        """Append to disk."""
        self._file.write(chunk)
        self.size += len(chunk)

    def finish(self) -> Path:
        """Everything is here: force it to disk and say where it is."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._path

    def drop(self) -> None:
        """Forget it."""
        self._file.close()
        self._path.unlink(missing_ok=True)


class Results(Protocol):
    """Where result tables are asked for."""

    def result_files(self) -> Iterable[tuple[StoredFile, Path]]:
        """All of them."""

    def result_of(self, file_id: str) -> tuple[StoredFile, Path] | None:
        """The one of this id."""

    def delete_result(self, file_id: str) -> bool:
        """Delete it; False when there is none."""


class Files:
    """The folder of uploaded files.

    Result tables belong to runs and are asked of them.
    """

    def __init__(self, folder: Path, results: Results) -> None:
        self._folder = folder
        self._results = results
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob("*.part"):
            part.unlink()
        found = (
            msgspec.json.decode(path.read_bytes(), type=StoredFile)
            for path in folder.glob("*.json")
        )
        self._known = {file.id: file for file in sorted(found, key=lambda file: file.created_at)}

    def receive(self) -> Incoming:
        """Begin an upload."""
        return Incoming(self._folder)

    def keep(
        self, incoming: Incoming, *, filename: str, purpose: str, lifetime_seconds: int | None
    ) -> StoredFile:
        """An upload is complete: it becomes a file."""
        part = incoming.finish()
        now = time.time()
        file = StoredFile(
            id=incoming.id,
            size=incoming.size,
            created_at=now,
            filename=filename,
            purpose=purpose,
            expires_at=None if lifetime_seconds is None else int(now) + lifetime_seconds,
        )
        part.replace(self.path(file.id))
        write_json(self._folder / f"{file.id}.json", file)
        with self._lock:
            self._known[file.id] = file
        return file

    def path(self, file_id: str) -> Path:
        """Where an uploaded file's bytes lie."""
        return self._folder / f"{file_id}.data"

    def get(self, file_id: str) -> tuple[StoredFile, Path] | None:
        """A file and where its bytes lie, if it is there and has not expired."""
        file = self._known.get(file_id)
        if file is not None:
            return (file, self.path(file.id)) if self._is_alive(file) else None
        return self._results.result_of(file_id)

    def newest_first(self) -> list[StoredFile]:
        """Every file that has not expired."""
        with self._lock:
            uploaded = list(self._known.values())
        everything = [file for file in uploaded if self._is_alive(file)] + [
            file for file, _ in self._results.result_files()
        ]
        return sorted(everything, key=lambda file: file.created_at, reverse=True)

    def delete(self, file_id: str) -> bool:
        """Remove a file; False when there is none of this id."""
        with self._lock:
            known = self._known.pop(file_id, None)
        if known is None:
            return self._results.delete_result(file_id)
        (self._folder / f"{file_id}.json").unlink(missing_ok=True)
        self.path(file_id).unlink(missing_ok=True)
        return True

    def _is_alive(self, file: StoredFile) -> bool:
        if file.expires_at is None or file.expires_at > time.time():
            return True
        self.delete(file.id)
        return False


def random_name(length: int) -> str:
    """Lower-case letters and digits, unguessable."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))
