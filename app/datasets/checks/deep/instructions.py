"""System prompts that differ in a few characters: one that was meant, and slips of it."""

import json
from collections.abc import Iterator
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from app.datasets.checks.base import Located
from app.datasets.checks.deep.base import DeepCheck
from app.datasets.derived.base import Part
from app.datasets.index import open_index
from app.formats.base import Finding
from app.formats.words import quoted

_SHARE = 0.02  # of its length; two prompts further apart are two prompts
_MOST_APART = 20
_SHOWN = 5
_CONTEXT = 20


class NearlySameInstructions(DeepCheck):
    """The commonest system prompts beside each other; the first check keeps 64 of them."""

    name = "instructions"

    def end(self, part: Part) -> Iterator[Located]:
        """One hint a pair, for the first few; of the two, the rarer one is the slip."""
        prompts = sorted(_prompts(part.index).items(), key=lambda item: -item[1])
        slips: set[str] = set()
        for at, (usual, rows) in enumerate(prompts):
            for slip, slip_rows in prompts[at + 1 :]:
                distance = None if {usual, slip} & slips else apart(usual, slip)
                if distance is not None:
                    slips.add(slip)
                    yield None, _finding(usual, rows, slip, slip_rows, distance)
                    if len(slips) == _SHOWN:
                        return


def apart(one: str, other: str) -> int | None:
    """By how many characters two texts differ, if it is a few of many."""
    most = min(max(1, int(len(one) * _SHARE)), _MOST_APART)
    distance = Levenshtein.distance(one, other, score_cutoff=most)
    return distance if distance <= most else None


def _prompts(path: Path) -> dict[str, int]:
    with open_index(path) as index:
        query = "SELECT value FROM facts WHERE key = 'state'"
        (state,) = index.connection.execute(query).fetchone()
    prompts: dict[str, int] = json.loads(state)["tally"]["systems"]
    return prompts


def _finding(usual: str, rows: int, slip: str, slip_rows: int, distance: int) -> Finding:
    pairs = enumerate(zip(usual, slip, strict=False))
    at = next((at for at, (one, other) in pairs if one != other), min(len(usual), len(slip)))
    begin, end = max(at - _CONTEXT, 0), at + _CONTEXT + distance
    return Finding(
        "system.nearly_same",
        None,
        "hint",
        f"Two system prompts differ in {distance} {'character' if distance == 1 else 'characters'}:"
        f" {quoted(usual[begin:end])} in {_rows(rows)},"
        f" {quoted(slip[begin:end])} in {_rows(slip_rows)}.",
        "Use one of them word for word: it is also what you will send to the model.",
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
