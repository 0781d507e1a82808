"""Every request the witness read to the end, in SQLite, so that it outlives a kill."""

import json
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS request (
    n INTEGER PRIMARY KEY, at REAL NOT NULL DEFAULT (julianday('now')),
    method TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
    headers TEXT NOT NULL, body TEXT NOT NULL, size INTEGER NOT NULL, status INTEGER
)
"""
SECONDS_A_DAY, DAYS_TO_1970 = 86_400, 2_440_587.5
# A part of a path below /v1 that names one object: it has a digit or a colon.
ONE_OBJECT = re.compile(r"(?<=/)[^/]*(?:\d|%3A|:)[^/]*", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """One accepted request; `body` is its JSON, None for a file or nothing. `status` is that of
    the answer, None where none was sent: yet, or at all.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    size: int
    status: int | None = None

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def kind_of_route(self) -> str:
        """The route with a star for each id in it."""
        return f"{self.method} {self.path[:3]}{ONE_OBJECT.sub('*', self.path[3:])}"

    @property
    def key(self) -> str:
        """The API key it came with."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")


def _unix(julian_day: float) -> float:
    return (julian_day - DAYS_TO_1970) * SECONDS_A_DAY


class Journal:
    """Written by the witness's process, read by the test's."""

    def __init__(self, path: Path) -> None:
        self.lock = Lock()
        self.database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = OFF")  # a kill loses nothing, a power cut may
        self.database.execute(SCHEMA)

    def write(self, request: Request) -> int:
        """Keep a request, whatever becomes of its answer; its number."""
        row = (
            request.method,
            request.path,
            request.query,
            json.dumps(request.headers),
            json.dumps(request.body),
            request.size,
        )
        with self.lock:
            made = self.database.execute(
                "INSERT INTO request (method, path, query, headers, body, size)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
            return int(made.lastrowid or 0)

    def answered(self, number: int, status: int) -> None:
        """Note how a request is being answered."""
        with self.lock:
            self.database.execute("UPDATE request SET status = ? WHERE n = ?", (status, number))

    def read(self, route: str | None = None) -> list[Request]:
        """What was accepted, in order; of one route (`script` names them) if given."""
        with self.lock:
            rows = self.database.execute(
                "SELECT method, path, query, headers, body, size, status FROM request ORDER BY n"
            ).fetchall()
        found = [
            Request(method, path, query, json.loads(headers), json.loads(body), size, status)
            for method, path, query, headers, body, size, status in rows
        ]
        return [request for request in found if route is None or re.fullmatch(route, request.route)]

    def methods_used(self) -> set[str]:
        """GET alone, if nothing was changed."""
        with self.lock:
            return {method for (method,) in self.database.execute("SELECT method FROM request")}

    def counts(self, *statuses: int) -> Counter[str]:
        """How often each kind of route was asked; if given, how often it was answered so."""
        return Counter(
            request.kind_of_route
            for request in self.read()
            if not statuses or request.status in statuses
        )

    def moments(self) -> list[tuple[float, Request]]:
        """Every request with the second since 1970 at which it was read, in order."""
        with self.lock:
            found = self.database.execute("SELECT at FROM request ORDER BY n").fetchall()
        return list(zip((_unix(at) for (at,) in found), self.read(), strict=False))

    def span(self, path: str = "%") -> tuple[float, float]:
        """When the first and the last request were read, in seconds since 1970, of all paths that
        are like this one; zeros where there is none.
        """
        words = "SELECT min(at), max(at) FROM request WHERE path LIKE ?"
        with self.lock:
            ((first, last),) = self.database.execute(words, (path,))
        return (0.0, 0.0) if first is None else (_unix(first), _unix(last))

    def by_second(self) -> list[int]:
        """How many requests got an answer other than 429 in each second since the first."""
        words = "SELECT at FROM request WHERE status != 429 ORDER BY at"
        with self.lock:
            times = [_unix(at) for (at,) in self.database.execute(words)]
        counts = Counter(int(at - times[0]) for at in times)
        return [counts[second] for second in range(max(counts, default=-1) + 1)]

    def clear(self) -> None:
        """Forget everything, for the next test."""
        with self.lock:
            self.database.execute("DELETE FROM request")

    def close(self) -> None:
        self.database.close()
