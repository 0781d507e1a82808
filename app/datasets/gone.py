"""A file of a version that is missing, or is not what it was: said in words that name the cure."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core import storage
from app.core.errors import ProductError
from app.settings import settings

_TORN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR})


class Gone(ProductError):
    """A file of a version cannot be read."""

    status = 409


class FileGone(Gone):
    """The stored bytes: only people can bring them back."""

    def __init__(self, sha256: str) -> None:
        place = storage.blob_path(sha256).relative_to(settings().home)
        super().__init__(
            f"The stored file of this version ({place}) is missing or damaged. Bring it back from "
            "a backup, or upload the same file once more: it is known by its bytes."
        )


class IndexGone(Gone):
    """What was derived of the bytes: it is made anew by itself, see `mending.py`."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "The index of this version was missing or damaged. It is made anew from the stored "
            "file: try again in a moment."
        )
        self.path = path

    @property
    def version_id(self) -> int:
        """Whose file it is: `index/<version>.….sqlite`."""
        return int(self.path.name.partition(".")[0])


def stored_file(sha256: str, size: int | None = None) -> Path:
    """Where the bytes of this hash lie, of which there are `size` where that is known. Raises
    FileGone.
    """
    path = storage.blob_path(sha256)
    if not path.is_file() or size not in {None, path.stat().st_size}:
        raise FileGone(sha256)
    return path


@contextmanager
def telling_of_damage(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a torn file into IndexGone."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if is_torn(error):
            raise IndexGone(path) from error
        raise


def is_torn(error: sqlite3.DatabaseError) -> bool:
    """True when the bytes of the file are not those of a database, or the disk does not hand them
    out; Python's own errors have no code.
    """
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in _TORN
