"""What the last preparation left, so that a warm start learns quickly that nothing is due."""

import hashlib
import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from app.settings import ROOT, Settings


def is_prepared(config: Settings) -> bool:
    """Whether migrating and seeding would change nothing. Only an embedded database can be sure.

    True only when the migrations are those of the last preparation, the database is where that
    left it, and the instance had an owner.
    """
    if not config.database_url.startswith("sqlite"):
        return False
    with suppress(OSError, ValueError, KeyError, sqlite3.Error):
        note = json.loads(_note(config).read_text())
        is_same = note["migrations"] == _migrations() and note["has_owner"] is True
        return is_same and note["version"] == _version(config)
    return False


def remember(config: Settings, *, has_owner: bool) -> None:
    """Note what a preparation has just achieved."""
    if config.database_url.startswith("sqlite"):
        state = {
            "migrations": _migrations(),
            "version": _version(config),
            "has_owner": has_owner,
        }
        _note(config).write_text(json.dumps(state))


def _note(config: Settings) -> Path:
    return config.home / "run" / "prepared.json"


def _migrations() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _version(config: Settings) -> list[str]:
    path = Path(config.database_url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as database:
        rows = database.execute("SELECT version_num FROM alembic_version").fetchall()
    return sorted(str(version) for (version,) in rows)
