"""What has to be told to whom, on disk: a killed server still sends after its next start."""

import errno
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from app.trainer.files import random_name
from app.trainer.webhooks import Endpoint, message

MOST_ENDPOINTS = 100
_TABLES = """
CREATE TABLE IF NOT EXISTS endpoint (
    place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS event (run_id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES event (run_id),
    endpoint_id TEXT NOT NULL REFERENCES endpoint (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    since REAL NOT NULL,
    attempts INTEGER NOT NULL,
    due_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS delivery_by_time ON delivery (endpoint_id, due_at);
"""


class End(NamedTuple):
    """How a run ended, as a type of event, and when in Unix seconds."""

    run_id: str
    kind: str
    at: int


class Letter(msgspec.Struct, frozen=True):
    """One event on its way to one endpoint. `id` is the same at every attempt."""

    id: str
    endpoint: Endpoint
    body: bytes
    since: float
    attempts: int


class Outbox:
    """One SQLite file, readable by its owner alone: it holds the secrets that sign.

    An event is an ended run that was announced; it is made once, together with its letters.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        path.chmod(0o600)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_TABLES)

    def endpoints(self) -> list[Endpoint]:
        """Every endpoint, newest first."""
        return [
            _endpoint(row[0]) for row in self._read("SELECT body FROM endpoint ORDER BY -place")
        ]

    def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint of this id."""
        rows = self._read("SELECT body FROM endpoint WHERE id = ?", endpoint_id)
        return _endpoint(rows[0][0]) if rows else None

    def add(self, endpoint: Endpoint) -> bool:
        """A new endpoint: it is told what happens from now on. False when there are too many."""
        row = (endpoint.id, msgspec.json.encode(endpoint), MOST_ENDPOINTS)
        with self._writing() as db:
            added = db.execute(
                "INSERT INTO endpoint (id, body)"
                " SELECT ?, ? WHERE (SELECT count(*) FROM endpoint) < ?",
                row,
            )
            return added.rowcount > 0

    def change(self, endpoint_id: str, change: Callable[[Endpoint], Endpoint]) -> Endpoint | None:
        """Change an endpoint. What waits for it is tried anew at once, or dropped where the
        endpoint no longer wants its type.
        """
        with self._writing() as db:
            row = db.execute("SELECT body FROM endpoint WHERE id = ?", (endpoint_id,)).fetchone()
            if row is None:
                return None
            new = change(_endpoint(row[0]))
            db.execute(
                "UPDATE endpoint SET body = ? WHERE id = ?", (msgspec.json.encode(new), endpoint_id)
            )
            wanted = msgspec.json.encode(new.event_types).decode()
            db.execute(
                "DELETE FROM delivery WHERE endpoint_id = ?"
                " AND type NOT IN (SELECT value FROM json_each(?))",
                (endpoint_id, wanted),
            )
            db.execute("UPDATE delivery SET due_at = 0 WHERE endpoint_id = ?", (endpoint_id,))
        return new

    def remove(self, endpoint_id: str) -> bool:
        """Delete an endpoint with what waits for it; False when there is none of this id."""
        with self._writing() as db:
            return db.execute("DELETE FROM endpoint WHERE id = ?", (endpoint_id,)).rowcount > 0

    def announced(self) -> set[str]:
        """The runs whose end was announced."""
        return {row[0] for row in self._read("SELECT run_id FROM event")}

    def announce(self, ends: Sequence[End]) -> None:
        """Make the events of ended runs and their letters; a second time changes nothing."""
        now = time.time()
        with self._writing() as db:
            known = [_endpoint(row[0]) for row in db.execute("SELECT body FROM endpoint")]
            for end in ends:
                event = (end.run_id, message(end.kind, end.run_id, end.at))
                if not db.execute("INSERT OR IGNORE INTO event VALUES (?, ?)", event).rowcount:
                    continue
                letters = [
                    (f"wh_{random_name(24)}", end.run_id, endpoint.id, end.kind, now, 0, now)
                    for endpoint in known
                    if end.kind in endpoint.event_types
                ]
                db.executemany("INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?)", letters)

    def due(self, now: float, *, besides: Collection[str]) -> list[Letter]:
        """The longest due letter of every endpoint except these: one at a time goes to each."""
        rows = self._read(
            "SELECT delivery.id, endpoint.body, event.body, since, attempts, min(due_at)"
            " FROM delivery JOIN event USING (run_id) JOIN endpoint ON endpoint.id = endpoint_id"
            " WHERE due_at <= ? AND endpoint_id NOT IN (SELECT value FROM json_each(?))"
            " GROUP BY endpoint_id",
            now,
            _list(besides),
        )
        return [Letter(row[0], _endpoint(row[1]), *row[2:5]) for row in rows]

    def next_due(self, *, besides: Collection[str]) -> float | None:
        """When the next letter to another endpoint than these is due; None when there is none."""
        (row,) = self._read(
            "SELECT min(due_at) FROM delivery"
            " WHERE endpoint_id NOT IN (SELECT value FROM json_each(?))",
            _list(besides),
        )
        found: float | None = row[0]
        return found

    def done(self, letter: Letter) -> None:
        """It arrived, or is given up."""
        with self._writing() as db:
            db.execute("DELETE FROM delivery WHERE id = ?", (letter.id,))

    def again(self, letter: Letter, due_at: float) -> None:
        """It did not arrive and is due again."""
        row = (due_at, letter.id)
        with self._writing() as db:
            db.execute("UPDATE delivery SET attempts = attempts + 1, due_at = ? WHERE id = ?", row)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when it ends. Raises OSError when the disk does not take it."""
        with self._lock:
            try:
                with self._db as db:
                    yield db
            except sqlite3.OperationalError as error:
                is_full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
                raise OSError(errno.ENOSPC if is_full else errno.EIO, str(error)) from error

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()


def _endpoint(body: bytes) -> Endpoint:
    return msgspec.json.decode(body, type=Endpoint)


def _list(names: Collection[str]) -> str:
    return msgspec.json.encode(list(names)).decode()
