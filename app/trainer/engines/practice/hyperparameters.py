"""The numbers a training goes by: what was asked, and what "auto" means here."""

from collections.abc import Mapping
from typing import Any

FEWEST_SEEN, MOST_SEEN = 100, 25_000
LEAST_AUTO_BATCH, MOST_AUTO_BATCH = 4, 256
EVALUATIONS = 10
Numbers = dict[str, int | float | str]


def resolve(asked: Mapping[str, Any], rows: int, method: str = "supervised") -> Numbers:
    """Numbers for every "auto": epochs by the cookbook's heuristic, batches of 0.2 % of the rows.

    Unlike OpenAI's, automatic batches have at least 4 rows: one row at a time is slow and noisy on
    a small network. `beta` is OpenAI's 0.1; ten evaluations fall into a reinforcement.
    """
    numbers: Numbers = {
        "n_epochs": _epochs(rows),
        "batch_size": min(MOST_AUTO_BATCH, max(LEAST_AUTO_BATCH, round(rows * 0.002))),
        "learning_rate_multiplier": 1.0,
    }
    if method == "dpo":
        numbers["beta"] = 0.1
    if method == "reinforcement":
        numbers |= {"compute_multiplier": 1.0, "eval_samples": 2, "reasoning_effort": "default"}
    numbers |= {name: value for name, value in asked.items() if value != "auto"}
    if method == "reinforcement":
        steps = int(numbers["n_epochs"]) * steps_per_epoch(rows, numbers)
        numbers.setdefault("eval_interval", max(1, round(steps / EVALUATIONS)))
    return numbers


def steps_per_epoch(examples: int, numbers: Numbers) -> int:
    """How many batches hold every example once."""
    return -(-examples // int(numbers["batch_size"]))


def _epochs(rows: int) -> int:
    epochs = 3
    if rows * epochs < FEWEST_SEEN:
        return min(25, FEWEST_SEEN // rows)
    return max(1, MOST_SEEN // rows) if rows * epochs > MOST_SEEN else epochs
