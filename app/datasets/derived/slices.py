"""Make a derived file slice by slice; each call may be killed at any line."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic

from app.datasets import parts
from app.datasets.derived.base import Deriver, Making, Part
from app.datasets.index import FACTS, connect_finished


def derived_path(index: Path, deriver: Deriver) -> Path:
    """Where the file of this deriver lies, beside the index of the version."""
    return index.with_name(f"{index.stem}.{deriver.ending}.sqlite")


def derive_slice(
    deriver: Deriver,
    blob: Path,
    index: Path,
    making: Making,
    *,
    seconds: float,
    alive: Callable[[], None],
) -> Making:
    """Work on a version's file for about `seconds` and say how far that came; call again until
    `is_done`.

    The unfinished file remembers where it stands: a slice lost to a crash, or made twice, changes
    nothing. While another process is at the same slice nothing happens and `making` comes back.
    """
    target = derived_path(index, deriver)
    until = monotonic() + seconds
    try:
        if target.is_file() and _version(target) == deriver.version:
            return Making(is_done=True, share=1.0)
        while True:
            making = _step(deriver, blob, index, target, until, alive)
            if making.is_done:
                parts.publish(target)
                return making
            if monotonic() > until:
                return making
    except parts.Busy:
        return making
    except parts.Outdated:
        parts.discard(target)
        return Making()


def _step(
    deriver: Deriver,
    blob: Path,
    index: Path,
    target: Path,
    until: float,
    alive: Callable[[], None],
) -> Making:
    with parts.writing(target, FACTS + deriver.schema, deriver.version) as connection:
        making = _stored(connection)
        if not making.is_done:
            making = deriver.work(Part(connection, blob, index, alive), making, until)
            state = json.dumps(making.as_json())
            connection.execute("INSERT OR REPLACE INTO facts VALUES('state', ?)", (state,))
        return making


def _stored(connection: sqlite3.Connection) -> Making:
    found = connection.execute("SELECT value FROM facts WHERE key = 'state'").fetchone()
    return Making.from_json(json.loads(found[0]) if found else None)


def _version(target: Path) -> int:
    try:
        with closing(connect_finished(target)) as made:
            return parts.version_of(made)
    except sqlite3.DatabaseError as error:
        raise parts.Outdated from error
