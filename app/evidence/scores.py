"""Scores as they come, read into one number a case; and their mean."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.evidence.base import LEVEL, Estimate, Interval, Measure
from app.evidence.bootstrap import RESAMPLES, Floats, of_mean
from app.evidence.proportions import paired_interval, proportion

Scores = ArrayLike
"""(cases,) or (cases, repeats); None or NaN where there is no score."""
LARGEST = 1e100
"""What is beyond is no score: its square would be infinite."""


@dataclass(frozen=True, slots=True)
class CaseScores:
    """Each case's mean over its answers, NaN of none, and how many it had."""

    means: Floats
    answers: NDArray[np.int64]


def answers_of(scores: Scores) -> Floats:
    """(cases, repeats), NaN where there is no score. Raises ValueError for any other shape."""
    table = np.array(scores, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, np.newaxis]
    if table.ndim != 2:  # noqa: PLR2004 - cases and repeats
        raise ValueError("Scores are a list of cases, or of cases' repeats.")
    table[~(np.abs(table) <= LARGEST)] = np.nan
    return table


def by_case(scores: Scores) -> CaseScores:
    """Average the answers of each case: cases are drawn, and may vary, not answers."""
    table = answers_of(scores)
    there = ~np.isnan(table)
    answers = there.sum(axis=1)
    sums = np.where(there, table, 0).sum(axis=1)
    means = np.full(len(table), np.nan)
    np.divide(sums, answers, out=means, where=answers > 0)
    return CaseScores(means, answers)


def mean(
    scores: Scores, *, measure: Measure, seed: int = 0, resamples: int = RESAMPLES
) -> Estimate:
    """A contestant's pass rate, with Wilson's interval, or mean score, with one drawn anew."""
    values = by_case(scores).means
    values = values[~np.isnan(values)]
    cases = len(values)
    if measure == "passes" and np.isin(values, (0, 1)).all():
        return proportion(int(values.sum()), cases)
    if cases <= 1:
        return Estimate(float(values[0]) if cases else None, None, cases)
    value = float(values.mean())
    if np.ptp(values) == 0:
        ends = None if measure == "number" else constant(value, cases, 1.0)
    else:
        ends = of_mean(values, seed=seed, resamples=resamples).interval()
    if ends is not None and measure != "number":
        ends = Interval(max(ends.low, 0.0), min(ends.high, 1.0))
    return Estimate(value, ends, cases)


def constant(value: float, cases: int, span: float, level: float = LEVEL) -> Interval:
    """Around a value that every case has, though others could be `span` away: a little doubt, as
    where no case differs.
    """
    half = span * paired_interval(0, 0, cases, level).high
    return Interval(value - half, value + half)
