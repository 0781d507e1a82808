"""Bring the database to this version of the program, with a copy of SQLite put aside first."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from app.settings import ROOT, settings

COPIES_KEPT = 3


def upgrade() -> Path | None:
    """Run every migration that is due; where the old database was copied to, if it was."""
    config = Config(str(ROOT / "alembic.ini"))
    copy = _copy_aside(config) if settings().database_url.startswith("sqlite") else None
    command.upgrade(config, "head")
    return copy


def _copy_aside(config: Config) -> Path | None:
    path = Path(settings().database_url.removeprefix("sqlite:///"))
    if not path.exists():
        return None
    with closing(sqlite3.connect(path, timeout=15)) as source:
        known = source.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'")
        if known.fetchone() is None:
            return None
        (version,) = source.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        if version in ScriptDirectory.from_config(config).get_heads():
            return None
        stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H%M%S")
        copy = path.with_name(f"{path.stem}-before-{stamp}{path.suffix}")
        with closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    for old in sorted(path.parent.glob(f"{path.stem}-before-*{path.suffix}"))[:-COPIES_KEPT]:
        old.unlink()
    return copy
