"""Parts of the cases, by tag or by a field: where the difference lies."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.evidence.base import FALSE_ALARMS, Measure, Slice
from app.evidence.bootstrap import RESAMPLES
from app.evidence.comparison import verdict_on
from app.evidence.pairs import pair
from app.evidence.scores import Scores, by_case
from app.evidence.several import adjusted


def by_slice(
    first: Scores,
    second: Scores,
    slices: Mapping[str, Sequence[int]],
    *,
    names: tuple[str, str],
    measure: Measure,
    matters: float | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Slice]:
    """A verdict for each slice, given as the places of its cases; a case may be in several.

    Looked at one by one, one slice in twenty would differ by chance: a difference counts as shown
    where its p does among all of them. The intervals stay each slice's own.
    """
    mine, other = by_case(first), by_case(second)
    verdicts = [
        verdict_on(
            pair(mine, other, measure, np.asarray(places, dtype=np.int64)),
            names,
            matters=matters,
            seed=seed,
            resamples=resamples,
        )
        for places in slices.values()
    ]
    among = adjusted([verdict.p for verdict in verdicts])
    return [
        Slice(
            name,
            verdict,
            p,
            is_shown=p is not None and p <= FALSE_ALARMS and verdict.kind in {"better", "worse"},
        )
        for name, verdict, p in zip(slices, verdicts, among, strict=True)
    ]
