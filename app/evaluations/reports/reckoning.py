"""The evidence of a run, from what was gathered over its cases: pure, and needs numpy."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.evaluations.reports.board import Tally
from app.evaluations.reports.figures import Figures, Mixed, Standing
from app.evidence.base import FEWEST, Estimate, Measure, Slice
from app.evidence.comparison import compare_all
from app.evidence.repeats import flakiness
from app.evidence.scores import mean
from app.evidence.slices import by_slice

SEED = 0
MOST_VALUES, MOST_SLICES = 20, 40


class Entrant(NamedTuple):
    """A contestant, as far as the evidence needs it; names are all different. `is_people` where
    people answered by hand.
    """

    place: int
    name: str
    is_tuned: bool
    is_people: bool = False


def reckon(
    entrants: Sequence[Entrant], tally: Tally, tags: Mapping[tuple[str, str], Sequence[int]]
) -> Figures:
    """All that a run has shown. `tags` are the numbers of the cases by field and value."""
    measure = measure_of(tally)
    values = tally.passes if measure == "passes" else tally.scores
    standings = tuple(_standing(one, tally, values, measure) for one in entrants)
    names = {one.name: one.place for one in entrants}
    verdicts = compare_all(
        {one.name: values[one.place] for one in entrants}, measure=measure, seed=SEED
    )
    pair = leading(entrants, {one.place: one.score for one in standings})
    return Figures(
        measure=measure,
        reckoned_from={
            "answers": tally.answers(),
            "cases": values.shape[1],
            "repeats": values.shape[2],
            "seed": SEED,
        },
        standings=standings,
        pairs=tuple((names[one.first], names[one.second], one) for one in verdicts),
        leading=pair,
        slices=_slices(pair, entrants, values, measure, tags) if pair else (),
        labels=tuple(tally.labels),
        mixed=_mixed(entrants, tally),
    )


def measure_of(tally: Tally) -> Measure:
    """What is compared: passes where scores say no more than they do."""
    scores = tally.scores[~np.isnan(tally.scores)]
    if np.array_equal(scores, tally.passes[~np.isnan(tally.scores)]):
        return "passes"
    return "share" if len(scores) and scores.min() >= 0 and scores.max() <= 1 else "number"


def leading(entrants: Sequence[Entrant], scores: Mapping[int, Estimate]) -> tuple[int, int] | None:
    """Whom the page leads with: the best tuned one against the best of the others, or the two best
    where all are of one kind. People only where there are no two models: they are what models are
    measured by, and not what is chosen.
    """
    ranked = sorted(
        (one for one in entrants if scores[one.place].value is not None),
        key=lambda one: (one.is_people, -(scores[one.place].value or 0)),
    )
    if len(ranked) < 2:  # noqa: PLR2004 - a pair
        return None
    tuned = [one for one in ranked if one.is_tuned]
    others = [one for one in ranked if not one.is_tuned]
    if tuned and others and not (others[0].is_people and len(tuned) > 1):
        return tuned[0].place, others[0].place
    return ranked[0].place, ranked[1].place


def _standing(
    one: Entrant, tally: Tally, values: NDArray[np.float64], measure: Measure
) -> Standing:
    ms = tally.ms.get(one.place, [])
    passes = mean(tally.passes[one.place], measure="passes", seed=SEED)
    is_repeated = values.shape[2] > 1
    return Standing(
        place=one.place,
        score=passes
        if measure == "passes"
        else mean(values[one.place], measure=measure, seed=SEED),
        passes=passes,
        median_ms=int(np.median(ms)) if ms else None,
        p95_ms=int(np.percentile(ms, 95)) if ms else None,
        flakiness=flakiness(values[one.place], measure=measure) if is_repeated else None,
    )


def _slices(
    pair: tuple[int, int],
    entrants: Sequence[Entrant],
    values: NDArray[np.float64],
    measure: Measure,
    tags: Mapping[tuple[str, str], Sequence[int]],
) -> tuple[Slice, ...]:
    named = {one.place: one.name for one in entrants}
    fields = [name for name, _ in tags]
    few = {name for name in fields if fields.count(name) <= MOST_VALUES}
    places = {
        f"{name} {value}": [number - 1 for number in numbers]
        for (name, value), numbers in tags.items()
        if name in few and len(numbers) >= FEWEST
    }
    chosen = dict(list(places.items())[:MOST_SLICES])
    first, second = pair
    names = (named[first], named[second])
    return tuple(
        by_slice(values[first], values[second], chosen, names=names, measure=measure, seed=SEED)
    )


def _mixed(entrants: Sequence[Entrant], tally: Tally) -> tuple[Mixed, ...]:
    if not tally.labels:
        return ()
    return tuple(
        Mixed(
            one.place,
            tuple(
                (wanted, found, count)
                for (place, wanted, found), count in sorted(tally.mixed.items())
                if place == one.place
            ),
        )
        for one in entrants
    )
