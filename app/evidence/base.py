"""What evidence is made of: numbers, with what they are numbers of. Needs no numpy, so pages may.

All floats are finite. Differences are first minus second, in the measure's own unit: a pass rate's
0.124 is said as 12.4 points.
"""

from dataclasses import dataclass
from typing import Literal

Measure = Literal["passes", "share", "number"]
"""Passed or not (1 or 0) · a score from 0 to 1 · any other number; more is better."""

LEVEL = 0.95
FEWEST = 10
"""With fewer cases than this nothing is compared: no method here holds what it promises."""
POWER = 0.8
"""How often a difference that is there is to be shown."""
FALSE_ALARMS = 0.05


@dataclass(frozen=True, slots=True)
class Interval:
    """All values the data do not speak against."""

    low: float
    high: float

    def leaves_out(self, value: float) -> bool:
        return not self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and how far it can be trusted: no value of no case, no interval of one alone."""

    value: float | None
    interval: Interval | None
    cases: int


@dataclass(frozen=True, slots=True)
class SignTest:
    """Two-sided p-values of `plus` against `minus` where each is as likely; of pass and fail it is
    McNemar's test, and the counts are of the cases where only one of the two passed.

    `exact` never gives more false alarms than it says and mostly far fewer; `mid_p` comes nearest.
    """

    plus: int
    minus: int
    exact: float
    mid_p: float


VerdictKind = Literal["better", "worse", "same", "no_large_difference", "not_enough", "too_few"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of `first` against `second` over the cases that both have a score in.

    `kind`: better or worse, where the interval leaves out 0 · same, where no case differs ·
    no_large_difference, where the interval has only what matters to nobody, or no affordable
    number of cases would tell · not_enough · too_few, under FEWEST cases.
    `repeats` is the most answers a case has; they are averaged, and cases counted.
    `more_cases` is how many more would show a difference of this size four times in five.
    `adjusted_p` is p among the other comparisons made with it (Benjamini–Hochberg).
    """

    first: str
    second: str
    measure: Measure
    kind: VerdictKind
    cases: int
    left_out: int
    repeats: int
    first_mean: float | None
    second_mean: float | None
    difference: float | None
    interval: Interval | None
    p: float | None
    better_on: int
    worse_on: int
    equal_on: int
    more_cases: int | None = None
    adjusted_p: float | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """A model's new answers against those it gave before, at the `look`-th look of a series.

    `verdict.adjusted_p` is p among all looks of the series, past and to come. `noise` is how far
    two such runs of the very same model differ in 95 of 100, where it was asked several times.
    `is_shown`: the difference stands among the looks, and is more than that.
    """

    verdict: Verdict
    look: int
    noise: float | None
    is_shown: bool


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """Whether `candidate` is at most `margin` worse than `baseline`.

    Each side holds with 95 % confidence; `interval` is therefore one of 90 %.
    """

    candidate: str
    baseline: str
    measure: Measure
    kind: Literal["non_inferior", "inferior", "not_shown", "too_few"]
    margin: float
    cases: int
    left_out: int
    repeats: int
    difference: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class WinRate:
    """`half`: of all, a tie counting half a win · `decided`: of those that were no ties."""

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    half: Estimate
    decided: Estimate
    test: SignTest


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the cases. `adjusted_p` is None where too few were there to test; `is_shown` says
    whether the difference stands among all slices looked at.
    """

    name: str
    verdict: Verdict
    adjusted_p: float | None
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Flakiness:
    """How much a contestant disagrees with itself, over the cases answered at least twice.

    `noise_floor`: two runs of the same contestant, one answer a case, differ by less in 95 of 100.
    `all_passed`, `any_passed`: cases whose every answer, or at least one, passed (pass^k, pass@k).
    """

    cases: int
    repeats: int
    disagreeing: Estimate
    noise_floor: float | None
    all_passed: Estimate | None
    any_passed: Estimate | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What `cases` would show, said before they are paid for.

    `smallest` is the least difference that would show four times in five; None where none would.
    `needed` is how many cases `wanted` takes; None where nothing was wanted, or too many.
    """

    measure: Measure
    cases: int
    smallest: float | None
    wanted: float | None = None
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two agree, and Cohen's kappa: how far beyond chance (1 always, 0 as by chance).

    `kappa` is None where neither ever says anything but one and the same.
    """

    cases: int
    agreed: Estimate
    kappa: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class JudgeQuality:
    """A judge against people. `precision`: of what it passed, how much people pass; `recall`: of
    what people pass, how much it did.
    """

    agreement: Agreement
    precision: Estimate
    recall: Estimate
    passed_by_both: int
    passed_by_judge_alone: int
    passed_by_people_alone: int
    failed_by_both: int


@dataclass(frozen=True, slots=True)
class OrderSwap:
    """A judge asked twice, the answers swapped. Where it changed its mind, it went with the place:
    `first_place` and `second_place` times; `test` says whether it prefers one.
    """

    cases: int
    consistent: Estimate
    first_place: int
    second_place: int
    test: SignTest
