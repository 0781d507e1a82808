"""Write the index of one version: rows and findings, with the state of the check in the same file.

State and rows are committed together, so that a step which is killed at any line is simply made
again from the last commit, and a step made twice does nothing the second time.
"""

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.datasets.checks.base import Located, Progress, Tally
from app.datasets.index import SCHEMA, VERSION, connect_finished
from app.formats.base import Finding

SYNCHRONOUS = "NORMAL"
GROUP_ROWS = 5
_BATCH = 1_000
_ROW = "INSERT INTO rows VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)"
_FINDING = (
    "INSERT INTO findings(line, field, rule, severity, reason, cure) VALUES(?, ?, ?, ?, ?, ?)"
)


def part_path(index: Path) -> Path:
    """Where an index is while it is being made."""
    return index.with_name(f"{index.name}.part")


def discard(index: Path) -> None:
    """Forget an index, finished or not; a check begins again from the first byte."""
    for path in (index, part_path(index)):
        for name in (path, path.with_name(f"{path.name}-journal")):
            name.unlink(missing_ok=True)


class Outdated(Exception):
    """An earlier Luthier began this index, in another schema."""


class Store:
    """The unfinished index within one transaction."""

    def __init__(self, connection: sqlite3.Connection, findings_per_rule: int) -> None:
        self.connection = connection
        self.findings_per_rule = findings_per_rule
        self.progress = Progress()
        self.tally = Tally()
        self._findings: list[tuple[Any, ...]] = []

    def load(self) -> None:
        """Take up the stored state, if there is one."""
        found = self.connection.execute("SELECT value FROM facts WHERE key = 'state'").fetchone()
        if found is None:
            return
        state = json.loads(found[0])
        self.progress = Progress(**state["progress"])
        self.tally = _tally(state["tally"])

    def add_rows(self, rows: list[tuple[Any, ...]]) -> None:
        """Write rows, in the order of the table's columns without `side`, and empty the list."""
        self.connection.executemany(_ROW, rows)
        rows.clear()

    def add_finding(self, line: int | None, finding: Finding) -> None:
        """Count a finding; of each rule only the first ones are stored."""
        group = self.tally.groups.get(finding.rule)
        if group is None:
            words = [finding.reason, finding.cure]
            group = self.tally.groups[finding.rule] = [finding.severity, 0, [], *words]
        group[1] += 1
        if line is not None and len(group[2]) < GROUP_ROWS and line not in group[2]:
            group[2].append(line)
        if group[1] > self.findings_per_rule:
            return
        self._findings.append(
            (line, finding.field, finding.rule, finding.severity, finding.reason, finding.cure)
        )
        if len(self._findings) >= _BATCH:
            self.flush()

    def add_findings(self, found: Iterator[Located]) -> None:
        """All findings of a check of the whole file."""
        for line, finding in found:
            self.add_finding(line, finding)

    def flush(self) -> None:
        """Hand what waits to SQLite."""
        if self._findings:
            self.connection.executemany(_FINDING, self._findings)
            self._findings.clear()

    def counted(self) -> dict[str, int]:
        """Findings so far by severity."""
        totals = {"error": 0, "warning": 0, "hint": 0}
        for group in self.tally.groups.values():
            totals[group[0]] += group[1]
        return totals

    def groups(self) -> list[dict[str, Any]]:
        """The findings by rule, errors first, then the commonest."""
        named = [
            {
                "rule": rule,
                "severity": severity,
                "count": count,
                "first_rows": rows,
                "reason": reason,
                "cure": cure,
            }
            for rule, (severity, count, rows, reason, cure) in self.tally.groups.items()
        ]
        ranks = ("error", "warning", "hint")
        return sorted(named, key=lambda group: (ranks.index(group["severity"]), -group["count"]))

    def put_fact(self, key: str, value: Any) -> None:
        """Write down one fact for the readers of the finished index."""
        text = json.dumps(value, ensure_ascii=False)
        self.connection.execute("INSERT OR REPLACE INTO facts VALUES(?, ?)", (key, text))

    def save(self, progress: Progress) -> None:
        """Keep rows, findings and where the check stands; the transaction's end makes it so."""
        self.flush()
        self.progress = progress.advanced(**self.counted())
        state = {
            "progress": asdict(self.progress),
            "tally": asdict(self.tally),
        }
        self.put_fact("state", state)


@contextlib.contextmanager
def writing(index: Path, findings_per_rule: int) -> Iterator[Store]:
    """One transaction on the unfinished index, made if there is none; all of it or none of it.

    Raises sqlite3.OperationalError while another process is writing the same index, and Outdated.
    """
    with closing(_open(index)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        elif connection.execute("PRAGMA user_version").fetchone() != (VERSION,):
            raise Outdated
        store = Store(connection, findings_per_rule)
        store.load()
        yield store
        connection.execute("COMMIT")


def _open(index: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(part_path(index), timeout=1, isolation_level=None)
    connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
    connection.execute("PRAGMA cache_size = -16000")
    return connection


def stored_progress(index: Path) -> Progress:
    """Where the check of a finished index stood when it ended."""
    with closing(connect_finished(index)) as connection:
        (state,) = connection.execute("SELECT value FROM facts WHERE key = 'state'").fetchone()
    return Progress.from_json(json.loads(state)["progress"])


def publish(index: Path) -> None:
    """Give the finished index its name, once its bytes are on the disk."""
    part = part_path(index)
    try:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(index)
    except FileNotFoundError:
        if not index.exists():
            raise


def _tally(values: dict[str, Any]) -> Tally:
    tally = Tally(**values)
    tally.turns = {int(turns): count for turns, count in tally.turns.items()}
    tally.lengths = {
        role: {int(tokens): rows for tokens, rows in lengths.items()}
        for role, lengths in tally.lengths.items()
    }
    return tally
