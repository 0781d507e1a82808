"""All verdicts on six contestants over 10,000 cases: how long they take, and how much memory.

    python -m bench.evidence [--cases 10000] [--contestants 6] [--resamples 10000]

Claimed: every pair of contestants, with scores of any value, within 15 seconds of one core and
50 MB above what the libraries take. The limit beside it is numpy drawing as many cases and adding
up their values, with nothing around it. In processor time, which a busy machine lengthens less.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from app.evidence.comparison import compare, compare_all
from app.evidence.repeats import flakiness
from app.evidence.scores import mean
from app.evidence.slices import by_slice

SECONDS, MEGABYTES = 15, 50
SLICES = 77
BLOCK = 100


def peak() -> float:
    """The most memory this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def measured(name: str, call: Callable[[], Any]) -> float:
    """Print the seconds and what the peak rose by; the seconds."""
    before, begun = peak(), time.process_time()
    call()
    seconds = time.process_time() - begun
    print(f"{name:58} {seconds:8.2f} s {peak() - before:8.1f} MB more")
    return seconds


def bare(cases: int, pairs: int, resamples: int) -> None:
    """Draw and add up."""
    draw, values = np.random.default_rng(0), np.random.default_rng(1).random(cases)
    for _ in range(pairs * resamples // BLOCK):
        values[draw.integers(cases, size=(BLOCK, cases), dtype=np.int32)].mean(axis=1)


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--cases", type=int, default=10_000)
    words.add_argument("--contestants", type=int, default=6)
    words.add_argument("--resamples", type=int, default=10_000)
    asked = words.parse_args()
    draw = np.random.default_rng(1)
    hard = draw.beta(4, 1.5, size=asked.cases)
    names = [f"contestant {n}" for n in range(asked.contestants)]
    pairs = len(names) * (len(names) - 1) // 2
    shares = {n: np.clip(hard + draw.normal(0, 0.2, asked.cases), 0, 1) for n in names}
    passes = {n: draw.random(asked.cases) < hard for n in names}
    thrice = {n: draw.random((asked.cases, 3)) < hard[:, np.newaxis] for n in names}
    slices = {f"tag {n}": range(n, asked.cases, SLICES) for n in range(SLICES)}
    one, other = names[:2]

    # Loads what is loaded when it is used, and draws once.
    compare(shares[one][:50], shares[other][:50], names=(one, other), measure="share")
    before = peak()
    print(f"{asked.cases:,} cases, {len(names)} contestants, {asked.resamples:,} resamples")
    print(f"{'the process, with numpy and scipy':58} {'':10} {before:8.1f} MB")

    def verdicts(scores: dict[str, Any], measure: Any) -> Callable[[], Any]:
        return lambda: compare_all(scores, measure=measure, resamples=asked.resamples)

    measured(f"{pairs} verdicts, passed or failed", verdicts(passes, "passes"))
    measured(f"{pairs} verdicts, three answers a case", verdicts(thrice, "passes"))
    seconds = measured(f"{pairs} verdicts, scores of any value", verdicts(shares, "share"))
    more = peak() - before
    measured("  its limit: bare draws", lambda: bare(asked.cases, pairs, asked.resamples))
    measured(
        f"{len(names)} means with their intervals",
        lambda: [mean(scores, measure="share") for scores in shares.values()],
    )
    measured(
        f"one pair in {SLICES} slices, scores of any value",
        lambda: by_slice(shares[one], shares[other], slices, names=(one, other), measure="share"),
    )
    measured(
        f"one pair in {SLICES} slices, passed or failed",
        lambda: by_slice(passes[one], passes[other], slices, names=(one, other), measure="passes"),
    )
    measured("flakiness of three answers a case", lambda: flakiness(thrice[one], measure="passes"))
    print(f"{seconds:.1f} s, {more:.0f} MB more (claim <= {SECONDS} s, <= {MEGABYTES} MB)")
    return 0 if seconds <= SECONDS and more <= MEGABYTES else 1


if __name__ == "__main__":
    raise SystemExit(main())
