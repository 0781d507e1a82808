"""A job in doubt and a run that no job has, written beside a running instance for a while."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

PARTS = ("start_looks", "start_attempts", "job_events")


@contextmanager
def doubted(home: Path, job_id: int, *, words: str) -> Iterator[int]:
    """A job like another one, whose order got no answer; `words` are what came back."""
    with closing(sqlite3.connect(home / "luthier.sqlite", timeout=30)) as database:
        database.row_factory = sqlite3.Row
        like = database.execute("SELECT * FROM jobs WHERE id = ?", [job_id]).fetchone()
        at, name = like["created_at"], f"Doubt {words}"[:120]
        fresh = {"id": None, "run_id": None, "ended_at": None, "name": name, "last_error": words}
        fresh |= {"status": "in_doubt", "op_key": "doubt", "request_key": "doubt"}
        made = _insert(database, "jobs", **{**dict(like), **fresh})
        order = {"job_id": made, "number": 1, "fence": 1, "sent_at": at, "outcome": "unknown"}
        _insert(database, "start_attempts", **order, words=words, looks=6)
        _insert(database, "start_looks", job_id=made, at=at, times=3, is_answered=0, words=words)
        place = {"project_id": like["project_id"], "connection_id": like["connection_id"]}
        run = {"run_id": "ftjob-stray", "base_model": "practice", "has_ended": 1, "found_at": at}
        _insert(database, "orphans", **place, **run, job_id=made, provider_status="succeeded")
        database.commit()
        try:
            yield made
        finally:
            database.execute("DELETE FROM orphans")
            for table, key in (*((part, "job_id") for part in PARTS), ("jobs", "id")):
                database.execute(f"DELETE FROM {table} WHERE {key} = ?", [made])  # noqa: S608
            database.commit()


def _insert(database: sqlite3.Connection, table: str, **values: Any) -> int:
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    words = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our own names
    made = database.execute(words, [*values.values()]).lastrowid
    assert made is not None
    return made
