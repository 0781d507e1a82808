"""Bring a backup back: everything is laid out and checked beside what is there, and moved in last.

Until that last step nothing of the old instance is touched, and it keeps what was there under
another name.
"""

import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import NamedTuple

from sqlalchemy import Connection, create_engine, event, inspect, table
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from app.core import heartbeat, home, migrate, portable, secrets, storage
from app.core.database import COMMON
from app.core.errors import Conflict, DiskFull, WrongInput
from app.core.orm import Base
from app.core.pages import size
from app.settings import settings
from app.upkeep import archive as form
from app.upkeep import queries, service
from app.upkeep.archive import Manifest, Unreadable

FOLDERS = (form.EVENTS, form.INDEXES, form.TRAINER)
STAGING = "restoring"


class Restored(NamedTuple):
    """What came back. `aside` are the names under which what was there is kept; `opens_keys` is
    None while no secret is in place, else whether it is the one the keys were sealed with.
    """

    manifest: Manifest
    aside: list[Path]
    opens_keys: bool | None


def restore(path: Path, *, replace: bool) -> Restored:
    """Make the configured instance the one in the backup. Raises ProductError or HomeTaken.

    Refuses where people have accounts already, unless `replace`, and where processes live.
    """
    config = settings()
    has_secret = config.secret is not None or (config.home / "secret").exists()
    with closing(form.opened(path)) as archive:
        manifest = form.manifest_of(archive)
        if not migrate.is_known(manifest.revision):
            raise Unreadable(
                f"This backup was made by a newer Luthier: its database is at {manifest.revision}. "
                "Restore it with that version or a later one."
            )
        with home.held(config.home), _staging(config.home) as staging:
            _refuse_living(replace=replace)
            _check_room(archive)
            _take_blobs(archive, manifest)
            _lay_out(archive, staging)
            aside = _take_rows(archive, manifest, staging)
    is_same = secrets.instance_id() == manifest.instance if has_secret else None
    return Restored(manifest, aside, is_same)


@contextmanager
def _staging(place: Path) -> Iterator[Path]:
    staging = place / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _refuse_living(*, replace: bool) -> None:
    """Raises Conflict where people have accounts, or processes live."""
    path = storage.sqlite_path()
    if path is not None and not path.exists():
        return
    with _begun(settings().database_url) as connection, Session(bind=connection) as session:
        tables = set(inspect(connection).get_table_names())
        living = heartbeat.living_kinds(session) if "heartbeat" in tables else set()
        if living:
            raise Conflict(f"Still running: {', '.join(sorted(living))}. Stop all of it first.")
        if "users" in tables and not replace and queries.has_accounts(connection):
            raise Conflict(
                "People have accounts in this database already. Restore into an empty home, or add "
                "--replace to give up what is there."
            )


def _check_room(archive: zipfile.ZipFile) -> None:
    """Raises DiskFull where what the archive says it holds does not fit: zipfile gives no more."""
    folders = [form.BLOBS, *FOLDERS, *([form.ROWS] if storage.sqlite_path() else [])]
    needed = sum(
        info.file_size
        for folder in folders
        for name, info in form.members(archive, folder)
        if not (folder == form.BLOBS and storage.is_stored(name))
    )
    free = storage.room().free - settings().disk_reserve
    if needed > free:
        raise DiskFull(
            f"This backup unfolds to {size(needed)}, and {size(max(free, 0))} are free in "
            f"{settings().home}. Nothing was changed."
        )


def _take_blobs(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Every stored file to its place, its hash looked at on the way."""
    for sha256, info in form.members(archive, form.BLOBS):
        if sha256 in manifest.missing:
            continue
        what = f"the stored file {sha256} is not what it was"
        try:
            with (
                form.undamaged(what),
                archive.open(info) as member,
                storage.Incoming(limit=info.file_size) as incoming,
            ):
                for piece in form.pieces(member):
                    incoming.write(piece)
                incoming.keep(size=info.file_size, sha256=sha256)
        except WrongInput as error:
            raise Unreadable(f"The backup is damaged: {what}.") from error


def _lay_out(archive: zipfile.ZipFile, staging: Path) -> None:
    for folder in FOLDERS:
        (staging / folder).mkdir(mode=0o700)
        for name, info in form.members(archive, folder):
            target = staging / folder / name
            with form.undamaged(f"{info.filename} is not what it was"):
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with archive.open(info) as member, target.open("wb") as file:
                    shutil.copyfileobj(member, file, form.PIECE_BYTES)


def _take_rows(archive: zipfile.ZipFile, manifest: Manifest, staging: Path) -> list[Path]:
    """The rows into a fresh database, and then everything to its place."""
    path = storage.sqlite_path()
    if path is None:
        with _begun(settings().database_url) as connection:
            _drop_tables(connection)
            _fill(connection, archive, manifest)
            return _move_in(staging)  # if it fails, the old rows stay
    fresh = path.with_name(f"{path.name}.{STAGING}")
    fresh.unlink(missing_ok=True)
    with _begun(f"sqlite:///{fresh}") as connection:
        _fill(connection, archive, manifest)
    with fresh.open("rb") as file:
        os.fsync(file.fileno())
    return _move_in(staging) + _exchange(fresh, path)


def _fill(connection: Connection, archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """The tables as they were then, their rows, and the way up to this version."""
    migrate.upgrade_within(connection, manifest.revision)
    with (
        form.undamaged("its rows do not fit together"),
        portable.in_any_order(connection, manifest.tables),
    ):
        for name, rows in manifest.tables.items():
            if name in form.LEFT_OUT:
                continue  # older versions kept invitations
            with form.undamaged(f"the rows of {name} are not what they were"):
                connection.execute(table(name).delete())
                lines = form.lines_in(archive, name)
                count = portable.load(connection, name, rows.columns, lines)
            if count != rows.count:
                raise Unreadable(f"The backup is damaged: rows of {name} are missing.")
    migrate.upgrade_within(connection, "head")
    for sha256 in queries.named_blobs(connection):
        if sha256 not in manifest.missing and not storage.blob_path(sha256).exists():
            raise Unreadable(f"The backup is damaged: the stored file {sha256} is missing.")
    with Session(bind=connection) as session:
        service.mark_restored(session, backed_up_at=manifest.made_at)
        session.flush()


def _drop_tables(connection: Connection) -> None:
    ours = {*Base.metadata.tables, "alembic_version"}
    for name in ours.intersection(inspect(connection).get_table_names()):
        connection.exec_driver_sql(f'DROP TABLE "{name}" CASCADE')


@contextmanager
def _begun(url: str) -> Iterator[Connection]:
    """One transaction on a database that nobody else uses; SQLite's foreign keys rest meanwhile."""
    engine = create_engine(url, poolclass=NullPool, **COMMON)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _by_hand)
        event.listen(engine, "begin", lambda one: one.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _by_hand(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None


def _move_in(staging: Path) -> list[Path]:
    """The folders to their places; what was there is kept under another name."""
    place = settings().home
    (place / "run" / "prepared.json").unlink(missing_ok=True)
    return [kept for name in FOLDERS for kept in _exchange(staging / name, place / name)]


def _exchange(fresh: Path, target: Path) -> list[Path]:
    kept = []
    with suppress(OSError):
        target.rmdir()  # an empty folder is nothing to keep
    if target.exists():
        stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
        old = target.with_name(f"{target.stem}-before-{stamp}{target.suffix}")
        target.rename(old)
        kept.append(old)
        journal = target.with_name(f"{target.name}-wal")
        if journal.exists():
            journal.rename(old.with_name(f"{old.name}-wal"))
        target.with_name(f"{target.name}-shm").unlink(missing_ok=True)
    fresh.rename(target)
    return kept
