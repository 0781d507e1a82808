"""What the practice engine learns by each method, and its tokens a second beside the core's limit.

All in one process on one core: GFLOP/s are those of the dense products alone, the limit is numpy's
on a float32 product of 1024 x 1024.
"""

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

from app.trainer.engines.base import StepReport, Task  # noqa: E402
from app.trainer.engines.practice import ENGINE  # noqa: E402
from app.trainer.engines.practice.network import HIDDEN, TOKEN_WIDTH, WINDOW  # noqa: E402
from bench.trainer import limit  # noqa: E402

EXAMPLES = ROOT / "examples"
DENSE_PARTS = {"expression_key": 0.2, "result_key": 0.2, "form": 0.5}
# Passes over a token: forward and twice that back; reinforcement draws it first.
PASSES = {"supervised": 3, "dpo": 3, "reinforcement": 4}


def prepared(method: str, training: Path, validation: Path, **more: Any) -> Any:
    """A training in a folder of its own, at the automatic numbers."""
    grader = json.loads((EXAMPLES / "countdown-rft" / "grader.json").read_bytes())
    task = Task(
        training_file=training,
        validation_file=validation,
        start_from=None,
        asked={},
        work=Path(tempfile.mkdtemp()),
        method=method,
        grader=grader if method == "reinforcement" else None,
        **{"seed": 1, **more},
    )
    return ENGINE.prepare(task)


def timed(method: str, training: Any) -> tuple[list[StepReport], str]:
    """Train to the end; what was told, and how fast it went."""
    began = time.perf_counter()
    reports = list(training.steps())
    seconds = time.perf_counter() - began
    rows, epochs = training.rows, int(training.facts.hyperparameters["n_epochs"])
    words = rows.words_in(np.arange(len(rows))) * epochs
    tokens = reports[-1].trained_tokens - words
    size = len(training.network.vocabulary)
    products = PASSES[method] * tokens * HIDDEN * (WINDOW * TOKEN_WIDTH + size)
    return reports, (
        f"{tokens / seconds:,.0f} answer tokens a second, validation included"
        f" ({tokens:,} in {seconds:.1f} s, {len(reports)} steps, vocabulary {size:,}):"
        f" {2 * products / seconds / 1e9:.1f} GFLOP/s"
    )


def supervised() -> str:
    """Banking77."""
    folder = EXAMPLES / "banking77"
    training = prepared("supervised", folder / "train.jsonl", folder / "validation.jsonl")
    reports, pace = timed("supervised", training)
    accuracy = reports[-1].metrics["full_valid_mean_token_accuracy"]
    return f"Banking77: {pace}; held-out token accuracy {accuracy:.3f}"


def dpo() -> str:
    """Every Orca pair, a fifth of them held out."""
    rows = (EXAMPLES / "orca-dpo" / "validation.jsonl").read_bytes().splitlines()
    random.Random(1).shuffle(rows)
    folder = Path(tempfile.mkdtemp())
    held_out = len(rows) // 5
    (folder / "valid.jsonl").write_bytes(b"\n".join(rows[:held_out]))
    (folder / "train.jsonl").write_bytes(b"\n".join(rows[held_out:]))
    training = prepared("dpo", folder / "train.jsonl", folder / "valid.jsonl")
    reports, pace = timed("dpo", training)
    told = [
        f"{r.metrics['full_valid_reward_margin']:.3f}"
        f" ({r.metrics['full_valid_reward_accuracy']:.0%})"
        for r in reports
        if r.is_checkpoint
    ]
    margins = ", ".join(told)
    return f"Orca pairs: {pace}; held-out margin (accuracy) of {held_out} pairs by epoch: {margins}"


def reinforcement() -> str:
    """Countdown, three seeds."""
    folder = EXAMPLES / "countdown-rft"
    befores, afters = [], []
    for seed in (1, 2, 3):
        training = prepared(
            "reinforcement", folder / "train.jsonl", folder / "validation.jsonl", seed=seed
        )
        befores.append(dense_part(training))
        _, pace = timed("reinforcement", training)
        afters.append(dense_part(training))
    rises = np.subtract(afters, befores)
    error = rises.std(ddof=1) / len(rises) ** 0.5
    return (
        f"Countdown: {pace}; dense part of the held-out reward {np.mean(befores):.3f} to"
        f" {np.mean(afters):.3f} of {sum(DENSE_PARTS.values()):.2f}, rise by seed"
        f" {', '.join(f'{rise:.3f}' for rise in rises)}: {rises.mean() / error:.0f} standard errors"
    )


def dense_part(training: Any) -> float:
    """What the keys and the form bring the model as it is now, on average."""
    graded = training.lesson.evaluated(0).graded
    return float(sum(weight * graded.rewards(part).mean() for part, weight in DENSE_PARTS.items()))


def main() -> None:
    """Print a line for each method."""
    product = limit()
    print(f"one core multiplies matrices at {2 * product / 1e9:.1f} GFLOP/s")
    for measure in (supervised, dpo, reinforcement):
        print(measure())


if __name__ == "__main__":
    main()
