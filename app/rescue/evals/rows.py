"""Output items as the rows that `promptfoo import` reads: those of OpenAI's own dashboard export.

Their shape: promptfoo's src/importers/openaiEvals/types.ts and validation.ts. It is not the API's:
`item` for `datasource_item`, `data_source_idx`, `grades` and `passes` by the grader's name, and
`sample` with `outputs` and `token_usage`.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from app.rescue.evals.bodies import (
    figure,
    is_error,
    lines_from,
    mapping,
    number,
    objects,
    read_line,
)

# What promptfoo calls otherwise within a sample.
RENAMED = {"output": "outputs", "usage": "token_usage"}


def row_of(item: dict[str, Any], line: int) -> dict[str, Any]:
    """One row. `line` stands for the item's place among the eval's rows where it names none."""
    place = number(item.get("datasource_item_id"))
    row: dict[str, Any] = {
        "run_id": str(item.get("run_id") or ""),
        "data_source_idx": place if place is not None and place >= 0 else line - 1,
        "item": mapping(item.get("datasource_item")),
        "grades": {},
        "passes": {},
        "grader_samples": {},
    }
    if isinstance(sample := item.get("sample"), dict):
        row["sample"] = _sample(sample)
    for name, result in _by_name(objects(item.get("results"))):
        score = figure(result.get("score"))
        if score is not None and math.isfinite(score):
            row["grades"][name] = score
        if isinstance(result.get("passed"), bool):
            row["passes"][name] = result["passed"]
        if result.get("sample") is not None:
            row["grader_samples"][name] = result["sample"]
    # Whatever else the API said of it stays with it; promptfoo keeps what it does not know.
    row["openai"] = {
        key: value
        for key, value in item.items()
        if key not in {"datasource_item", "sample", "results", "run_id"}
    }
    return row


def _sample(sample: dict[str, Any]) -> dict[str, Any]:
    """An error that says nothing is left out: to promptfoo any `error` is one."""
    return {
        RENAMED.get(key, key): value
        for key, value in sample.items()
        if key != "error" or is_error(value)
    }


def _by_name(results: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Results by their grader's name; a second one of the same name keeps its own."""
    seen: dict[str, int] = {}
    for result in results:
        name = str(result.get("name") or result.get("type") or "grader")
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name} ({seen[name]})", result


def eval_items(paths: Iterable[Path]) -> Iterator[bytes]:
    """The rows of these runs, one a line; promptfoo makes a column of each run."""
    for path in paths:
        for line in lines_from(path):
            item = read_line(line)
            if item is not None:
                yield (
                    json.dumps(row_of(item, line.number), ensure_ascii=False).encode(
                        errors="replace"
                    )
                    + b"\n"
                )
