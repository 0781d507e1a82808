"""Write the index of one version: rows and findings, with the state of the check in the same file.

State and rows are committed together, so that a step which is killed at any line is simply made
again from the last commit, and a step made twice does nothing the second time.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.datasets import parts
from app.datasets.checks.base import Progress, Tally
from app.datasets.checks.findings import Findings
from app.datasets.gone import telling_of_damage
from app.datasets.index import SCHEMA, VERSION, connect_finished

_ROW = "INSERT INTO rows VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)"


class Store(Findings):
    """The unfinished index within one transaction."""

    def __init__(self, connection: sqlite3.Connection, findings_per_rule: int) -> None:
        self.progress = Progress()
        self.tally = Tally()
        super().__init__(connection, findings_per_rule, self.tally.groups)

    def load(self) -> None:
        """Take up the stored state, if there is one."""
        found = self.connection.execute("SELECT value FROM facts WHERE key = 'state'").fetchone()
        if found is None:
            return
        state = json.loads(found[0])
        self.progress = Progress(**state["progress"])
        self.tally = _tally(state["tally"])
        self.by_rule = self.tally.groups

    def add_rows(self, rows: list[tuple[Any, ...]]) -> None:
        """Write rows, in the order of the table's columns without `side`, and empty the list."""
        self.connection.executemany(_ROW, rows)
        rows.clear()

    def save(self, progress: Progress) -> None:
        """Keep rows, findings and where the check stands; the transaction's end makes it so."""
        self.flush()
        self.progress = progress.advanced(**self.counted())
        state = {
            "progress": asdict(self.progress),
            "tally": asdict(self.tally),
        }
        self.put_fact("state", state)


@contextmanager
def writing(index: Path, findings_per_rule: int) -> Iterator[Store]:
    """One transaction on the unfinished index, made if there is none; all of it or none of it.
    Raises parts.Busy and parts.Outdated.
    """
    with parts.writing(index, SCHEMA, VERSION) as connection:
        store = Store(connection, findings_per_rule)
        store.load()
        yield store


def stored_progress(index: Path) -> Progress:
    """Where the check of a finished index stood when it ended. Raises IndexGone."""
    with telling_of_damage(index), closing(connect_finished(index)) as connection:
        (state,) = connection.execute("SELECT value FROM facts WHERE key = 'state'").fetchone()
    return Progress.from_json(json.loads(state)["progress"])


def _tally(values: dict[str, Any]) -> Tally:
    tally = Tally(**values)
    tally.turns = {int(turns): count for turns, count in tally.turns.items()}
    tally.lengths = {
        role: {int(tokens): rows for tokens, rows in lengths.items()}
        for role, lengths in tally.lengths.items()
    }
    return tally
