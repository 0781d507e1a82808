"""Two contestants over the same cases: which is better, by how much, how surely."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from app.evidence.base import (
    FEWEST,
    LEVEL,
    Interval,
    Measure,
    NonInferiority,
    Verdict,
    VerdictKind,
)
from app.evidence.bootstrap import RESAMPLES
from app.evidence.pairs import Pair, doubt, pair
from app.evidence.power import cases_needed, cases_needed_of_mean
from app.evidence.scores import Scores, by_case
from app.evidence.several import adjusted

MATTERS = 0.02
"""Of passes and shares: a smaller difference matters to nobody, unless somebody says otherwise."""
WORTH_ASKING = 10
"""A difference that would take more than so many times the cases is called a small one instead."""


def compare(
    first: Scores,
    second: Scores,
    *,
    names: tuple[str, str],
    measure: Measure,
    matters: float | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Verdict:
    """Judge the first against the second over the same cases, in the same order.

    The interval of the mean difference decides: of pass and fail Bonett and Price's, else a paired
    bootstrap over cases. Raises ValueError where one has more cases than the other.
    """
    both = pair(by_case(first), by_case(second), measure)
    return verdict_on(both, names, matters=matters, seed=seed, resamples=resamples)


def verdict_on(
    of: Pair,
    names: tuple[str, str],
    *,
    matters: float | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Verdict:
    """The verdict on a pair."""
    better, worse = of.counts
    difference = of.difference
    verdict = Verdict(
        first=names[0],
        second=names[1],
        measure=of.measure,
        kind="too_few",
        cases=of.cases,
        left_out=of.left_out,
        repeats=of.repeats,
        first_mean=float(of.first.mean()) if of.cases else None,
        second_mean=float(of.second.mean()) if of.cases else None,
        difference=difference,
        interval=None,
        p=None,
        better_on=better,
        worse_on=worse,
        equal_on=of.cases - better - worse,
    )
    if difference is None or of.cases < FEWEST:
        return verdict
    doubtful = doubt(of, seed, resamples)
    interval = doubtful.interval()
    kind, more_cases = _kind(of, difference, interval, matters)
    return replace(verdict, kind=kind, interval=interval, p=doubtful.p(), more_cases=more_cases)


def _kind(
    of: Pair, difference: float, interval: Interval, matters: float | None
) -> tuple[VerdictKind, int | None]:
    if not any(of.counts):
        return "same", None
    if interval.leaves_out(0):
        return ("better" if difference > 0 else "worse"), None
    if matters is None and of.measure != "number":
        matters = MATTERS
    if matters is not None and -matters <= interval.low and interval.high <= matters:
        return "no_large_difference", None
    needed = _needed(of, difference, most=(1 + WORTH_ASKING) * of.cases)
    if needed is None:
        return "no_large_difference", None
    return "not_enough", max(needed - of.cases, 1)


def _needed(of: Pair, difference: float, most: int) -> int | None:
    if of.is_counted:
        return cases_needed(difference, sum(of.counts) / of.cases, most=most)
    return cases_needed_of_mean(difference, float(of.differences.std(ddof=1)), most=most)


def compare_all(
    scores: Mapping[str, Scores],
    *,
    measure: Measure,
    matters: float | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Verdict]:
    """Every contestant against every later one; each p also adjusted for there being so many."""
    read = {name: by_case(given) for name, given in scores.items()}
    verdicts = [
        verdict_on(
            pair(read[first], read[second], measure),
            (first, second),
            matters=matters,
            seed=seed,
            resamples=resamples,
        )
        for first, second in combinations(read, 2)
    ]
    among = adjusted([verdict.p for verdict in verdicts])
    return [replace(v, adjusted_p=p) for v, p in zip(verdicts, among, strict=True)]


def non_inferiority(
    candidate: Scores,
    baseline: Scores,
    *,
    names: tuple[str, str],
    measure: Measure,
    margin: float,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> NonInferiority:
    """Whether the candidate is at most `margin`, in the measure's unit, worse than the baseline.

    The interval is one of 90 %, so that each of its ends holds with 95 %. Raises ValueError where
    the margin is not above 0, or one has more cases than the other.
    """
    if not margin > 0:
        raise ValueError("The margin must be above 0.")
    both = pair(by_case(candidate), by_case(baseline), measure)
    found = NonInferiority(
        candidate=names[0],
        baseline=names[1],
        measure=measure,
        kind="too_few",
        margin=margin,
        cases=both.cases,
        left_out=both.left_out,
        repeats=both.repeats,
        difference=both.difference,
        interval=None,
    )
    if both.cases < FEWEST:
        return found
    interval = doubt(both, seed, resamples).interval(2 * LEVEL - 1)
    if interval.low > -margin:
        return replace(found, kind="non_inferior", interval=interval)
    if interval.high < -margin:
        return replace(found, kind="inferior", interval=interval)
    return replace(found, kind="not_shown", interval=interval)
