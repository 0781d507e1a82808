"""One contestant asked the same several times: how far it disagrees with itself."""

from math import sqrt

import numpy as np

from app.evidence.base import LEVEL, Flakiness, Measure
from app.evidence.proportions import proportion, quantile
from app.evidence.scores import Scores, answers_of


def flakiness(scores: Scores, *, measure: Measure) -> Flakiness:
    """Of (cases, repeats), over the cases with at least two scores."""
    table = answers_of(scores)
    there = ~np.isnan(table)
    table, there = table[there.sum(axis=1) > 1], there[there.sum(axis=1) > 1]
    cases, answers = len(table), there.sum(axis=1)
    low = np.where(there, table, np.inf).min(axis=1, initial=np.inf)
    high = np.where(there, table, -np.inf).max(axis=1, initial=-np.inf)
    means = np.where(there, table, 0).sum(axis=1) / answers
    away = np.where(there, table - means[:, np.newaxis], 0)
    within = (away**2).sum(axis=1) / (answers - 1)
    passes = measure == "passes"
    return Flakiness(
        cases=cases,
        repeats=int(answers.max(initial=0)),
        disagreeing=proportion(int(np.count_nonzero(low < high)), cases),
        noise_floor=quantile(LEVEL) * sqrt(2 * float(within.mean()) / cases) if cases else None,
        all_passed=proportion(int(np.count_nonzero(low == 1)), cases) if passes else None,
        any_passed=proportion(int(np.count_nonzero(high == 1)), cases) if passes else None,
    )
