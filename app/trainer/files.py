"""Uploaded files, streamed to disk as they arrive, a JSON beside each; the folder is the truth."""

import bisect
import heapq
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec

from app.trainer.folder import sync_folder, write_json
from app.trainer.incoming import Incoming

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


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a file before it is there."""

    filename: str
    purpose: str
    lifetime_seconds: int | None = None


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
        self.folder = folder
        self._results = results
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._known = {file.id: file for file in _whole(folder)}
        # Oldest first: a page is cut out of it without looking at the others.
        self._order = sorted(self._known.values(), key=_place)

    def receive(self) -> Incoming:
        """Begin to receive a file."""
        return Incoming(self.folder / f"{random_name(24)}.part")

    def keep(self, part: Path, described: Described, *, file_id: str | None = None) -> StoredFile:
        """What lies complete and on disk at `part` becomes a file, whole or not at all."""
        now = time.time()
        lifetime = described.lifetime_seconds
        file = StoredFile(
            id=file_id or new_file_id(),
            size=part.stat().st_size,
            created_at=now,
            filename=described.filename,
            purpose=described.purpose,
            expires_at=None if lifetime is None else int(now) + lifetime,
        )
        # The bytes come last: whoever starts after a crash finds a whole file or a lonely note.
        write_json(self._note(file.id), file)
        part.replace(self.path(file.id))
        sync_folder(self.folder)
        with self._lock:
            self._known[file.id] = file
            bisect.insort(self._order, file, key=_place)
        return file

    def path(self, file_id: str) -> Path:
        """Where an uploaded file's bytes lie."""
        return self.folder / f"{file_id}.data"

    def get(self, file_id: str) -> tuple[StoredFile, Path] | None:
        """A file and where its bytes lie, if it is there and has not expired."""
        file = self._known.get(file_id)
        if file is not None:
            return (file, self.path(file.id)) if self._is_alive(file) else None
        return self._results.result_of(file_id)

    def page(
        self, *, after: StoredFile | None, purpose: str | None, limit: int, is_newest_first: bool
    ) -> tuple[list[StoredFile], bool]:
        """Up to `limit` files of this purpose behind `after`, and whether there are more."""
        # Results that no page can show are not asked for.
        has_results = purpose in (None, RESULTS)
        results = [file for file, _ in self._results.result_files()] if has_results else []
        with self._lock:
            uploaded = _behind(self._order, after, is_newest_first=is_newest_first)
        merged = heapq.merge(
            uploaded,
            _behind(sorted(results, key=_place), after, is_newest_first=is_newest_first),
            key=_place,
            reverse=is_newest_first,
        )
        wanted = (
            file
            for file in merged
            if purpose in (None, file.purpose) and (file.purpose == RESULTS or self._is_alive(file))
        )
        found = list(islice(wanted, limit + 1))
        return found[:limit], len(found) > limit

    def delete(self, file_id: str) -> bool:
        """Remove a file; False when there is none of this id."""
        with self._lock:
            known = self._known.pop(file_id, None)
            if known is not None:
                del self._order[bisect.bisect_left(self._order, _place(known), key=_place)]
        if known is None:
            return self._results.delete_result(file_id)
        self._note(file_id).unlink(missing_ok=True)
        self.path(file_id).unlink(missing_ok=True)
        return True

    def sweep(self) -> None:
        """Remove what has expired; it is refused from that moment on, asked for or not."""
        with self._lock:
            everything = list(self._known.values())
        for file in everything:
            self._is_alive(file)

    def _is_alive(self, file: StoredFile) -> bool:
        if file.expires_at is None or file.expires_at > time.time():
            return True
        self.delete(file.id)
        return False

    def _note(self, file_id: str) -> Path:
        return self.folder / f"{file_id}.json"


def _place(file: StoredFile) -> tuple[float, str]:
    """Where a file stands in a list: by its time, and by its id among those of one moment."""
    return (file.created_at, file.id)


def _behind(
    order: list[StoredFile], after: StoredFile | None, *, is_newest_first: bool
) -> Iterator[StoredFile]:
    """The files that follow `after`, as they are now: the list may change under the iterator."""
    if is_newest_first:
        end = bisect.bisect_left(order, _place(after), key=_place) if after else len(order)
        return reversed(order[:end])
    start = bisect.bisect_right(order, _place(after), key=_place) if after else 0
    return iter(order[start:])


def _whole(folder: Path) -> Iterator[StoredFile]:
    """Every whole file; what broke off is removed."""
    stems = ({path.stem for path in folder.glob(kind)} for kind in ("*.json", "*.data"))
    whole = set.intersection(*stems)
    for path in folder.iterdir():
        if path.stem not in whole:
            path.unlink()
        elif path.suffix == ".json":
            yield msgspec.json.decode(path.read_bytes(), type=StoredFile)


def new_file_id() -> str:
    """`file-` and letters nobody can guess."""
    return f"file-{random_name(24)}"


def random_name(length: int) -> str:
    """Lower-case letters and digits, unguessable."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))
