"""The second pass: every row once more, for the checks that may take longer than a page waits."""

import json
import sqlite3
from collections.abc import Sequence
from time import monotonic
from typing import Any

from app.datasets.checks.base import DEEP_FINDINGS
from app.datasets.checks.deep.base import DeepCheck
from app.datasets.checks.deep.registry import DEEP_CHECKS
from app.datasets.checks.deep.rows import open_rows
from app.datasets.checks.findings import Findings
from app.datasets.derived.base import Making, Part
from app.datasets.flagged import SCHEMA as FLAGGED
from app.datasets.flagged import keep_flagged
from app.datasets.index import FINDINGS

FINDINGS_PER_RULE = 10_000
_READING = 0.9  # of all the time it takes, when there is little to compare


class Checks:
    """The file of findings beside the index, in the same schema, with ids beyond those of the
    index; what else its checks keep are tables of their own.
    """

    kind = "checks"
    ending = "checks"
    version = 1

    def __init__(self, checks: Sequence[type[DeepCheck]] = DEEP_CHECKS) -> None:
        self._checks = checks
        self.schema = FINDINGS + FLAGGED + "".join(check.schema for check in checks)

    def work(self, part: Part, making: Making, until: float) -> Making:
        """Some of the rows, or the end of one check."""
        kept = _load(part.connection)
        checks = [check(kept["checks"].setdefault(check.name, {})) for check in self._checks]
        found = Findings(part.connection, FINDINGS_PER_RULE, kept["groups"])
        if making.phase == "reading":
            making = _read(part, making, until, checks, found)
        elif making.step < len(checks):
            check = checks[making.step]
            found.add_findings(check.end(part))
            found.put_fact(check.name, check.facts())
            step = making.step + 1
            share = _READING + (1 - _READING) * step / (len(checks) + 1)
            making = making.advanced(step=step, share=share)
        else:
            found.order(DEEP_FINDINGS)
            found.put_fact("flagged", keep_flagged(part.connection, part.index))
            found.put_fact("groups", found.groups())
            part.connection.execute("DELETE FROM facts WHERE key = 'kept'")
            return making.advanced(share=1.0, is_done=True)
        found.flush()
        found.put_fact("kept", kept)
        return making


def _load(connection: sqlite3.Connection) -> dict[str, Any]:
    found = connection.execute("SELECT value FROM facts WHERE key = 'kept'").fetchone()
    kept: dict[str, Any] = json.loads(found[0]) if found else {"checks": {}, "groups": {}}
    return kept


def _read(
    part: Part, making: Making, until: float, checks: list[DeepCheck], found: Findings
) -> Making:
    with open_rows(part.blob, part.index) as opened:
        total = opened.index.row_count
        for rows in opened.after(making.n):
            for check in checks:
                found.add_findings(check.look(rows, part))
            last = rows[-1].n
            making = making.advanced(n=last, share=_READING * last / total)
            if monotonic() > until:
                return making
    return making.advanced(n=total, phase="comparing", share=_READING)
