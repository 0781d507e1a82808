"""Findings on their way into a file: all are counted by rule, of each rule the first are stored."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from app.datasets.checks.base import Located
from app.formats.base import Finding

GROUP_ROWS = 5
_BATCH = 1_000
_FINDING = (
    "INSERT INTO findings(line, field, rule, severity, reason, cure) VALUES(?, ?, ?, ?, ?, ?)"
)
Groups = dict[str, list[Any]]  # by rule: severity, count, first rows, reason, cure


class Findings:
    """The table of findings of an unfinished file, within one transaction."""

    def __init__(self, connection: sqlite3.Connection, per_rule: int, groups: Groups) -> None:
        self.connection, self.findings_per_rule, self.by_rule = connection, per_rule, groups
        self._waiting: list[tuple[Any, ...]] = []

    def add_finding(self, line: int | None, finding: Finding) -> None:
        """Count a finding; of each rule only the first ones are stored."""
        group = self.by_rule.get(finding.rule)
        if group is None:
            words = [finding.reason, finding.cure]
            group = self.by_rule[finding.rule] = [finding.severity, 0, [], *words]
        group[1] += 1
        if line is not None and len(group[2]) < GROUP_ROWS and line not in group[2]:
            group[2].append(line)
        if group[1] > self.findings_per_rule:
            return
        self._waiting.append(
            (line, finding.field, finding.rule, finding.severity, finding.reason, finding.cure)
        )
        if len(self._waiting) >= _BATCH:
            self.flush()

    def add_findings(self, found: Iterable[Located]) -> None:
        """All of these."""
        for line, finding in found:
            self.add_finding(line, finding)

    def flush(self) -> None:
        """Hand what waits to SQLite."""
        if self._waiting:
            self.connection.executemany(_FINDING, self._waiting)
            self._waiting.clear()

    def counted(self) -> dict[str, int]:
        """Findings so far by severity."""
        totals = {"error": 0, "warning": 0, "hint": 0}
        for group in self.by_rule.values():
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
            for rule, (severity, count, rows, reason, cure) in self.by_rule.items()
        ]
        ranks = ("error", "warning", "hint")
        return sorted(named, key=lambda group: (ranks.index(group["severity"]), -group["count"]))

    def order(self, first_id: int = 1) -> None:
        """The file's findings first, then line by line, so that `id` is a cursor through the
        report. Several files of a version are one report where each begins beyond the other.
        """
        connection = self.connection
        (made,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'findings'"
        ).fetchone()
        connection.execute(made.replace("TABLE findings", "TABLE sorted"))
        connection.execute(
            "INSERT INTO sorted "
            "SELECT row_number() OVER (ORDER BY line IS NOT NULL, line, id) + ?, "
            "line, field, rule, severity, reason, cure FROM findings",
            (first_id - 1,),
        )
        connection.execute("DROP TABLE findings")
        connection.execute("ALTER TABLE sorted RENAME TO findings")
        connection.execute("CREATE INDEX findings_line ON findings(line)")
        connection.execute("CREATE INDEX findings_rule ON findings(severity, rule)")

    def put_fact(self, key: str, value: Any) -> None:
        """Write down one fact for the readers of the finished file."""
        text = json.dumps(value, ensure_ascii=False)
        self.connection.execute("INSERT OR REPLACE INTO facts VALUES(?, ?)", (key, text))
