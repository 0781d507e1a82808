"""Bring the database to this version of the program, with a copy of SQLite put aside first."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.core import storage
from app.core.errors import ProductError
from app.settings import ROOT, settings

COPIES_KEPT = 3


def config() -> Config:
    """Alembic's view of this program."""
    return Config(str(ROOT / "alembic.ini"))


def head() -> str:
    """The revision this program's tables are at."""
    (newest,) = ScriptDirectory.from_config(config()).get_heads()
    return newest


def is_known(revision: str) -> bool:
    """False for the revision of a newer program."""
    return any(
        script.revision == revision
        for script in ScriptDirectory.from_config(config()).walk_revisions()
    )


def revision_of(connection: Connection) -> str | None:
    """Where a database is; None where nobody migrated it yet."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade_within(connection: Connection, revision: str) -> None:
    """Migrate inside the caller's transaction."""
    given = config()
    given.attributes["connection"] = connection
    command.upgrade(given, revision)


def upgrade() -> Path | None:
    """Run every migration that is due; where the old database was copied to, if it was. Raises
    ProductError, the database untouched, when there is no copy.
    """
    copy = _copy_aside() if settings().database_url.startswith("sqlite") else None
    command.upgrade(config(), "head")
    return copy


def _copy_aside() -> Path | None:
    path = Path(settings().database_url.removeprefix("sqlite:///"))
    if not path.exists():
        return None
    with closing(sqlite3.connect(path, timeout=15)) as source:
        known = source.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'")
        if known.fetchone() is None:
            return None
        (version,) = source.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        if version == head():
            return None
        stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
        copy = path.with_name(f"{path.stem}-before-{stamp}{path.suffix}")
        _copy(source, copy)
    for old in storage.copies_of(path)[:-COPIES_KEPT]:
        old.unlink()
    return copy


def _copy(source: sqlite3.Connection, copy: Path) -> None:
    """A whole copy, its journal included, or none and a sentence."""
    part = copy.with_name(f"{copy.name}.part")
    try:
        part.touch(mode=0o600)
        with closing(sqlite3.connect(part)) as target:
            source.backup(target)
        part.replace(copy)
    except sqlite3.Error as error:
        free = shutil.disk_usage(copy.parent).free // 2**20
        raise ProductError(
            f"The database cannot be copied aside before it is changed: {error} ({free:,} MiB free "
            f"in {copy.parent}). Nothing was changed. Make room, then start again."
        ) from error
    finally:
        part.unlink(missing_ok=True)
