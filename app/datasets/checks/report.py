"""Turn what was counted into the verdict on a version, and say a refusal in one sentence."""

import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.datasets.checks.base import Bin, Progress, Tally, Verdict
from app.datasets.checks.labels import labels_of
from app.datasets.index import open_index

Lengths = Sequence[tuple[int, int]]

BIN_LIMIT = 20
_TAIL = 0.999  # the last bin takes what lies beyond this share of the rows

_REFUSED = (
    *("read.kind", "read.utf16", "read.row_limit"),
    *("table.columns", "table.broken", "table.json"),
)
_SAID = {
    "read.utf8": "is not UTF-8",
    "read.utf16": "is UTF-16 or UTF-32, not UTF-8",
    "read.json": "is not JSON",
    "read.not_object": "is not a JSON object",
    "read.duplicate_key": "has the same key twice in one object",
    "read.not_a_number": "holds NaN or Infinity, which JSON does not know",
    "read.number": "holds a number larger than a computer's can be",
    "read.surrogate": "holds half a character",
    "read.nul": "holds the NUL character",
    "read.control": "holds a raw control character",
    "read.depth": "is nested too deeply",
    "read.line_length": "is too long",
    "read.bom": "begins with a byte order mark in the middle of the file",
}


def row_lengths(index: sqlite3.Connection) -> Lengths:
    """How many rows have how many tokens, the shortest first."""
    return index.execute(
        "SELECT tokens, count(*) FROM rows WHERE tokens > 0 GROUP BY tokens ORDER BY tokens"
    ).fetchall()


def make_verdict(
    index: sqlite3.Connection, tally: Tally, progress: Progress, counts: Lengths
) -> Verdict:
    """The verdict on a version whose rows and findings are all in the index; `counts` are its
    `row_lengths`.
    """
    longest = counts[-1][0] if counts else 0
    line = index.execute("SELECT line FROM rows WHERE tokens = ? LIMIT 1", (longest,)).fetchone()
    system, system_rows = max(tally.systems.items(), key=lambda item: item[1], default=(None, 0))
    reason = refusal(tally, progress)
    return Verdict(
        status="ready" if reason is None else "rejected",
        reason=reason,
        format=tally.format,
        rows=progress.rows,
        tokens=progress.tokens,
        findings={"error": progress.error, "warning": progress.warning, "hint": progress.hint},
        histogram=histogram(counts),
        median_tokens=median(counts),
        longest_tokens=longest,
        longest_line=line[0] if line and longest else None,
        roles={
            role: {"messages": messages, "rows": rows, "tokens": tokens}
            for role, (messages, rows, tokens) in tally.roles.items()
        },
        turns=dict(sorted(tally.turns.items())),
        trained_messages=tally.trained_messages,
        definition_tokens=tally.definition_tokens,
        labels=labels_of(tally),
        system_prompt=system,
        system_prompt_rows=system_rows,
        encoding=tally.encoding,
    )


def verdict(index: Path) -> Verdict:
    """The verdict stored in a finished index. Raises IndexGone while it is being made."""
    with open_index(index) as finished:
        return _from_json(finished.facts["verdict"])


def refusal(tally: Tally, progress: Progress) -> str | None:
    """Why a version cannot be used, or None: it cannot be read safely, or holds no known format."""
    if tally.first_bad is not None:
        return _bad_lines(tally)
    for rule in _REFUSED:
        if rule in tally.groups:
            reason: str = tally.groups[rule][3]
            return f"Refused: {reason[0].lower()}{reason[1:]}"
    if progress.rows == 0:
        return f"Refused: the file {'has only empty lines' if progress.line else 'is empty'}."
    if tally.format is None:
        return _formless(tally)
    return None


def histogram(counts: Lengths) -> tuple[Bin, ...]:
    """At most 20 bars of a round width over (tokens, rows) in ascending order.

    A long thin tail does not stretch the axis: the last bar takes the longest thousandth.
    """
    if not counts:
        return ()
    low, high = counts[0][0], _percentile(counts, _TAIL)
    width = _round_width(high - low + 1)
    start = low // width * width
    size = min((high - start) // width + 1, BIN_LIMIT)
    bars = [0] * size
    for tokens, rows in counts:
        bars[min((tokens - start) // width, size - 1)] += rows
    bins = [
        Bin(start + at * width, start + at * width + width - 1, rows)
        for at, rows in enumerate(bars)
    ]
    bins[-1] = replace(bins[-1], last=max(bins[-1].last, counts[-1][0]))
    return tuple(bins)


def _round_width(span: int) -> int:
    least = span / (BIN_LIMIT - 1)
    power = 10 ** max(math.floor(math.log10(max(least, 1))), 0)
    return next(int(power * step) for step in (1, 2, 5, 10) if power * step >= least)


def _percentile(counts: Lengths, share: float) -> int:
    wanted = sum(rows for _, rows in counts) * share
    behind = 0
    for tokens, rows in counts:
        behind += rows
        if behind >= wanted:
            return tokens
    return counts[-1][0]


def median(counts: Lengths) -> int:
    """The tokens of the row in the middle; 0 where there is none."""
    return _percentile(counts, 0.5) if counts else 0


def _bad_lines(tally: Tally) -> str:
    line, rule, before_is_fine = tally.first_bad or (0, "", False)
    others = tally.bad_lines - 1
    more = (
        f", and {others:,} more {'line' if others == 1 else 'lines'} cannot be read"
        if others
        else ""
    )
    fine = ""
    if before_is_fine and line > 1:
        before = (
            "The line before it is" if line - 1 == 1 else f"The {line - 1:,} lines before it are"
        )
        fine = f" {before} fine."
    return f"Refused: line {line:,} {_SAID.get(rule, 'cannot be read')}{more}.{fine}"


def _formless(tally: Tally) -> str:
    keys = [json.dumps(key, ensure_ascii=False) for key in tally.formless_keys or []]
    has = f"The first row has {_listed(keys)}" if keys else "The first row is an empty object"
    return f'Refused: no row is in a format Luthier knows. {has}; a chat row has "messages".'


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _from_json(values: dict[str, Any]) -> Verdict:
    labels = values["labels"]
    return Verdict(
        **{
            **values,
            "histogram": tuple(Bin(**bar) for bar in values["histogram"]),
            "turns": {int(turns): rows for turns, rows in values["turns"].items()},
            "labels": None if labels is None else tuple((label, rows) for label, rows in labels),
        }
    )
