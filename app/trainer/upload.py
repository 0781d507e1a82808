"""One upload: the parts that are here, and how they become a file.

Its folder is the truth. A part is acknowledged once its note, `part_….json`, is there. One that
comes while no other is under way is written behind the last such part, in `row.part`; the others
each in a file of their own. A file whose parts came one after the other is therefore there already
when it is completed, and is moved; only parts that overtook each other are copied, once.
"""

import errno
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from app.trainer.errors import Refusal
from app.trainer.files import Described, Files, new_file_id, random_name
from app.trainer.folder import sync_folder, write_json
from app.trainer.incoming import Incoming
from app.trainer.limits import too_large

PENDING, COMPLETED, CANCELLED, EXPIRED = "pending", "completed", "cancelled", "expired"
OPEN_SECONDS = 3_600
_PIECE = 1 << 20


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What was declared, and what became of it. Times are Unix seconds, `size` is bytes.

    The file's id is decided at the beginning: completed twice, it is the same file.
    """

    id: str
    file_id: str
    size: int
    about: Described
    created_at: int
    expires_at: int
    status: str = PENDING
    part_ids: list[str] = []


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part that is here; `start` is its place in the row, None for one in a file of its own."""

    id: str
    size: int
    created_at: int
    start: int | None


class Upload:
    """An upload, and its folder."""

    def __init__(self, folder: Path, record: Record) -> None:
        self.record = record
        self._folder = folder
        self._note = folder / "upload.json"
        self._row = folder / "row.part"
        self._lock = threading.Lock()
        self._is_row_taken = False
        self._parts: dict[str, Part] = {}

    @classmethod
    def begun(cls, folder: Path, size: int, about: Described) -> "Upload":
        """A new one; its folder is there before anyone is told of it."""
        now = int(time.time())
        record = Record(
            id=f"upload_{random_name(24)}",
            file_id=new_file_id(),
            size=size,
            about=about,
            created_at=now,
            expires_at=now + OPEN_SECONDS,
        )
        place = folder / record.id
        place.mkdir()
        upload = cls(place, record)
        upload._write(record)
        sync_folder(folder)
        return upload

    @classmethod
    def found(cls, folder: Path, files: Files) -> "Upload":
        """As the last server left it. Raises FileNotFoundError: it had not begun."""
        raw = (folder / "upload.json").read_bytes()
        upload = cls(folder, msgspec.json.decode(raw, type=Record))
        notes = folder.glob("part_*.json")
        parts = [msgspec.json.decode(path.read_bytes(), type=Part) for path in notes]
        parts.sort(key=lambda part: part.start or 0)
        upload._parts = {part.id: part for part in parts}
        if upload.record.status != PENDING:
            return upload
        if files.get(upload.record.file_id):
            upload._end(COMPLETED)  # the server died after the last step but one
        elif not all(map(upload._is_whole, parts)):
            upload._end(EXPIRED)  # a backup leaves parts out
        for path in set(folder.glob("*.part")) - set(map(upload._place, parts)):
            path.unlink()
        return upload

    def begin_part(self) -> Incoming:
        """Where the next part goes. Raises Refusal."""
        with self._lock:
            self._refuse_unless_pending()
            if self._is_row_taken:
                return Incoming(self._folder / f"{random_name(24)}.part")
            self._is_row_taken = True
            return Incoming(self._row, start=sum(part.size for part in self._in_row()))

    def keep_part(self, incoming: Incoming, most: int) -> Part:
        """A part is whole: from now on it survives a restart. Raises Refusal."""
        if not incoming.size:
            raise Refusal("The part is empty.", param="data")
        incoming.finish()
        is_in_row = incoming.path == self._row
        part = Part(
            id=f"part_{incoming.path.stem if not is_in_row else random_name(24)}",
            size=incoming.size,
            created_at=int(time.time()),
            start=incoming.start if is_in_row else None,
        )
        with self._lock:
            self._refuse_unless_pending()
            if sum(known.size for known in self._parts.values()) + part.size > most:
                raise too_large("Upload", most, param="data")
            write_json(self._folder / f"{part.id}.json", part)
            self._parts[part.id] = part
            if is_in_row:
                self._is_row_taken = False
        return part

    def drop_part(self, incoming: Incoming) -> None:
        """A part broke off."""
        with self._lock:
            incoming.drop()
            if incoming.path == self._row:
                self._is_row_taken = False

    def complete(self, files: Files, part_ids: Sequence[str], md5: str | None) -> None:
        """Make the parts a file, in this order. Again with the same parts: it has been done."""
        with self._lock:
            if self.record.status == COMPLETED and self.record.part_ids == list(part_ids):
                return
            self._refuse_unless_pending()
            if files.get(self.record.file_id) is None:
                source = self._in_order(self._named(part_ids), md5)
                self._write(msgspec.structs.replace(self.record, part_ids=list(part_ids)))
                files.keep(source, self.record.about, file_id=self.record.file_id)
            self._end(COMPLETED)

    def cancel(self) -> None:
        """Take no more parts. Raises Refusal when it has ended; cancelled twice is cancelled."""
        with self._lock:
            if self.record.status != CANCELLED:
                self._refuse_unless_pending()
                self._end(CANCELLED)

    def expire(self, now: float) -> None:
        """End it when its hour is over."""
        with self._lock:
            if self.record.status == PENDING and now >= self.record.expires_at:
                self._end(EXPIRED)

    def _refuse_unless_pending(self) -> None:
        status = self.record.status
        if status == PENDING and time.time() >= self.record.expires_at:
            status = EXPIRED
        if status != PENDING:
            message = f"Upload {self.record.id} is {status}; only a pending one can be changed."
            raise Refusal(message, param="upload_id", code="invalid_upload_status")

    def _named(self, part_ids: Sequence[str]) -> list[Part]:
        unknown = next((name for name in part_ids if name not in self._parts), None)
        if unknown is not None:
            raise Refusal(f"No such Part object: {unknown}", param="part_ids")
        if len(set(part_ids)) < len(part_ids):
            raise Refusal("'part_ids' names a part twice.", param="part_ids")
        parts = [self._parts[name] for name in part_ids]
        total = sum(part.size for part in parts)
        if total != self.record.size:
            message = (
                f"The parts have {total} bytes together, but the upload was created for"
                f" {self.record.size} bytes."
            )
            raise Refusal(message, param="part_ids", code="upload_size_mismatch")
        return parts

    def _in_order(self, parts: Sequence[Part], md5: str | None) -> Path:
        """One file of all the parts, on disk. Raises Refusal when its MD5 is another."""
        if list(parts) == self._in_row() and not self._is_row_taken:
            os.truncate(self._row, self.record.size)  # without what broke off
            if md5 is not None:
                _compare(md5, self._pieces(parts))
            return self._row
        target = Incoming(self._folder / "whole.part")
        try:
            _compare(md5, _written(self._pieces(parts), target))
            target.finish()
        except BaseException:
            target.drop()
            raise
        return target.path

    def _in_row(self) -> list[Part]:
        return [part for part in self._parts.values() if part.start is not None]

    def _pieces(self, parts: Sequence[Part]) -> Iterator[bytes]:
        for part in parts:
            with self._place(part).open("rb") as file:
                file.seek(part.start or 0)
                left = part.size
                while left:
                    piece = file.read(min(left, _PIECE))
                    if not piece:
                        raise OSError(errno.EIO, f"{file.name} is shorter than it was")
                    left -= len(piece)
                    yield piece

    def _is_whole(self, part: Part) -> bool:
        return _size(self._place(part)) >= (part.start or 0) + part.size

    def _place(self, part: Part) -> Path:
        name = f"{part.id.removeprefix('part_')}.part"
        return self._row if part.start is not None else self._folder / name

    def _end(self, status: str) -> None:
        # The bytes go first: a full disk has room for the rest then.
        self._parts.clear()
        for path in self._folder.iterdir():
            if path != self._note:
                path.unlink()
        self._write(msgspec.structs.replace(self.record, status=status))

    def _write(self, record: Record) -> None:
        write_json(self._note, record)
        self.record = record

    def remove(self) -> None:
        """Forget that it ever was."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _written(pieces: Iterator[bytes], target: Incoming) -> Iterator[bytes]:
    for piece in pieces:
        target.write(piece)
        yield piece


def _compare(md5: str | None, pieces: Iterator[bytes]) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        if md5 is not None:
            digest.update(piece)
    if md5 is not None and digest.hexdigest() != md5.lower():
        message = f"The uploaded bytes have the MD5 {digest.hexdigest()}, not {md5}."
        raise Refusal(message, param="md5", code="checksum_mismatch")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
