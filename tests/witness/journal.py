"""Every request the witness read to the end, in SQLite, so that it outlives a kill."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    n INTEGER PRIMARY KEY, at REAL NOT NULL DEFAULT (julianday('now')),
    method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
    headers TEXT NOT NULL, body TEXT NOT NULL, size INTEGER NOT NULL
)
"""


@dataclass(frozen=True)
class Request:
    """One accepted request; `body` is its JSON, None for a file or nothing."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    size: int

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"


class Journal:
    """Written by the witness's process, read by the test's."""

    def __init__(self, path: Path) -> None:
        self.lock = Lock()
        self.database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute(SCHEMA)

    def write(self, request: Request) -> None:
        """Keep a request, whatever becomes of its answer."""
        row = (
            request.method,
            request.path,
            request.query,
            json.dumps(request.headers),
            json.dumps(request.body),
            request.size,
        )
        with self.lock:
            self.database.execute(
                "INSERT INTO request (method, path, query, headers, body, size)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )

    def read(self, route: str | None = None) -> list[Request]:
        """What was accepted, in order; of one route (`script` names them) if given."""
        with self.lock:
            rows = self.database.execute(
                "SELECT method, path, query, headers, body, size FROM request ORDER BY n"
            ).fetchall()
        found = [
            Request(method, path, query, json.loads(headers), json.loads(body), size)
            for method, path, query, headers, body, size in rows
        ]
        return [request for request in found if route in {None, request.route}]

    def clear(self) -> None:
        """Forget everything, for the next test."""
        with self.lock:
            self.database.execute("DELETE FROM request")

    def close(self) -> None:
        self.database.close()
