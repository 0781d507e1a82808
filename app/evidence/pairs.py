"""Two contestants' scores over the same cases, and how far their difference may be off."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.evidence.base import LEVEL, Interval, Measure
from app.evidence.bootstrap import Bootstrap, Floats, of_difference
from app.evidence.proportions import paired_interval, sign_test
from app.evidence.scores import CaseScores, constant

ROUNDING = 1e-12
"""Of the largest score: what is no more than this is no difference."""


@dataclass(frozen=True)
class Pair:
    """Two contestants' scores in the cases that both have one in."""

    measure: Measure
    first: Floats
    second: Floats
    left_out: int
    repeats: int

    @property
    def cases(self) -> int:
        return len(self.first)

    @cached_property
    def differences(self) -> Floats:
        """The first's less the second's; what is no more than rounding is 0."""
        apart = self.first - self.second
        apart[np.abs(apart) <= self.rounding] = 0
        return apart

    @property
    def difference(self) -> float | None:
        return float(self.differences.mean()) if self.cases else None

    @cached_property
    def counts(self) -> tuple[int, int]:
        """In how many cases the first did better, and worse."""
        apart = self.differences
        return int(np.count_nonzero(apart > 0)), int(np.count_nonzero(apart < 0))

    @property
    def is_counted(self) -> bool:
        """Whether counts say it all: each case passed or failed, in both."""
        return self.measure != "number" and bool(np.isin([self.first, self.second], (0, 1)).all())

    @property
    def rounding(self) -> float:
        return ROUNDING * float(np.abs([self.first, self.second]).max(initial=0))

    @property
    def span(self) -> float:
        """How far apart two scores can be, as far as anyone knows."""
        if self.measure != "number":
            return 1.0
        seen = float(np.ptp([self.first, self.second]))
        return seen if seen > self.rounding else 0.0


def pair(
    first: CaseScores,
    second: CaseScores,
    measure: Measure,
    places: Sequence[int] | NDArray[np.int64] | slice = slice(None),
) -> Pair:
    """The cases at these places, less those that one of the two has no score in.

    Raises ValueError where one has more cases than the other.
    """
    if len(first.means) != len(second.means):
        raise ValueError("Both must have the same cases, in the same order.")
    mine, other = first.means[places], second.means[places]
    both = ~np.isnan(mine) & ~np.isnan(other)
    answers = np.concatenate([first.answers[places], second.answers[places]])
    return Pair(
        measure,
        mine[both],
        other[both],
        left_out=int(np.count_nonzero(~both)),
        repeats=int(answers.max(initial=0)),
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """The difference of two pass rates, from counts: Bonett and Price, and McNemar."""

    more: int
    fewer: int
    cases: int

    def interval(self, level: float = LEVEL) -> Interval:
        return paired_interval(self.more, self.fewer, self.cases, level)

    def p(self) -> float:
        return sign_test(self.more, self.fewer).mid_p


@dataclass(frozen=True, slots=True)
class Constant:
    """Every case has the same difference, so that nothing is seen of how it varies. The cases not
    seen are taken to differ by as much again; where none differed, by all there is.
    """

    value: float
    cases: int
    span: float

    def interval(self, level: float = LEVEL) -> Interval:
        return constant(self.value, self.cases, self.span, level)

    def p(self) -> float:
        return sign_test(self.cases, 0).mid_p if self.value else 1.0


def doubt(of: Pair, seed: int, resamples: int) -> Counted | Constant | Bootstrap:
    """How far the difference may be off, in the way that suits the scores."""
    differences = of.differences
    if of.is_counted:
        return Counted(*of.counts, of.cases)
    if np.ptp(differences) <= of.rounding:
        value = float(differences[0])
        return Constant(value, of.cases, abs(value) or of.span)
    return of_difference(differences, seed=seed, resamples=resamples)
