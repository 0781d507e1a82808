"""Take a backup while the instance runs: the database as it is at one moment, then what it names.

Rows first: bytes are stored before a row names them and never change, so every file that the
snapshot names is there, whatever is uploaded meanwhile. Pruning waits until the end.
"""

import hashlib
import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.core import clock, database, portable, secrets, storage
from app.core.errors import Conflict, DiskFull, ProductError
from app.core.migrate import head, revision_of
from app.core.orm import Base
from app.settings import settings
from app.upkeep import archive as form
from app.upkeep import queries
from app.upkeep.archive import Manifest, Rows

COMPRESSION = 1  # a tenth of the time for most of the gain
PASSING = frozenset({".part", ".tmp"})


def backup(target: Path) -> Manifest:
    """Write the archive `target`; it appears when it is whole. Raises ProductError in words."""
    if target.exists():
        raise Conflict(f"{target} exists already. Name another file.")
    part = target.with_name(f"{target.name}.part")
    try:
        part.touch(mode=0o600)
        with part.open("wb") as file:
            with (
                storage.kept(),
                zipfile.ZipFile(
                    file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION
                ) as opened,
            ):
                manifest = _Writer(opened).write()
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        if storage.is_full(error):
            raise DiskFull(f"No room for the backup in {target.parent}.") from error
        raise ProductError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    return manifest


class _Writer:
    """One backup on its way into an archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._files: Counter[str] = Counter()
        self._bytes = 0
        self._missing: list[str] = []

    def write(self) -> Manifest:
        """Everything, the manifest last."""
        self._archive.writestr(form.README, form.NOTE)
        with portable.snapshot(database.engine()) as connection:
            revision = _revision(connection)
            with Session(bind=connection) as session:
                made_at = clock.now(session)
            tables = {name: self._rows(connection, name) for name in _tables()}
            hashes = list(queries.named_blobs(connection))
            logs = list(queries.event_logs(connection))
            versions = list(queries.judged_versions(connection))
        for sha256 in hashes:
            self._blob(sha256)
        for job_id, length in logs:
            path = settings().home / "events" / f"{job_id}.jsonl"
            self._file(form.EVENTS, path, path.name, limit=length)
        for version_id in versions:
            for path in sorted(storage.folder("index").glob(f"{version_id}.*sqlite")):
                self._file(form.INDEXES, path, path.name)
        for path in _trainer_files(settings().home / "trainer"):
            name = path.relative_to(settings().home / "trainer").as_posix()
            self._file(form.TRAINER, path, name)
        manifest = Manifest(
            format=form.FORMAT,
            revision=revision,
            made_at=made_at,
            instance=secrets.instance_id(),
            tables=tables,
            files=dict(self._files),
            bytes=self._bytes,
            missing=self._missing,
        )
        self._archive.writestr(form.MANIFEST, msgspec.json.encode(manifest))
        return manifest

    def _rows(self, connection: Connection, name: str) -> Rows:
        table = Base.metadata.tables[name]
        count = 0
        with self._archive.open(f"{form.ROWS}/{name}.jsonl", "w", force_zip64=True) as member:
            for line in portable.lines_of(connection, table):
                member.write(line)
                count += 1
        return Rows({one.name: portable.kind_of(one) for one in table.columns}, count)

    def _blob(self, sha256: str) -> None:
        """Stored bytes. Those that are gone or not what they were are named in the manifest."""
        if self._file(form.BLOBS, storage.blob_path(sha256), sha256) != sha256:
            self._missing.append(sha256)

    def _file(self, folder: str, path: Path, name: str, *, limit: int | None = None) -> str | None:
        """A file as it is, and its SHA-256; None for one that has gone meanwhile."""
        found = hashlib.sha256()
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        with file, self._archive.open(f"{folder}/{name}", "w", force_zip64=True) as member:
            for piece in form.pieces(file, limit):
                found.update(piece)
                member.write(piece)
                self._bytes += len(piece)
        self._files[folder] += 1
        return found.hexdigest()


def _tables() -> list[str]:
    return sorted(Base.metadata.tables.keys() - form.LEFT_OUT)


def _revision(connection: Connection) -> str:
    revision = revision_of(connection)
    if revision is None or revision != head():
        raise Conflict(
            "The database is not at this program's version. Run `python -m app migrate` first."
        )
    return revision


def _trainer_files(home: Path) -> Iterator[Path]:
    """The trainer's files, each run's in the order that is safe while it trains: what says how far
    it is, then its checkpoints, then its journals, which may be further and never less far.
    """
    found = [path for path in home.rglob("*") if path.is_file() and not _is_passing(path)]
    yield from sorted(found, key=lambda path: (path.parts[: len(home.parts) + 2], _turn(path)))


def _turn(path: Path) -> int:
    if path.name == "state.json":
        return 0
    return 1 if path.parent.name == "checkpoints" else 2


def _is_passing(path: Path) -> bool:
    return path.suffix in PASSING or path.name == "lock" or "work" in path.parts[-2:-1]
