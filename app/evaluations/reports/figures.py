"""What a run has shown, in numbers: kept as JSON, said in words when a page asks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from app.evidence.base import Estimate, Flakiness, Interval, Measure, Slice, Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class Standing:
    """One contestant: its score and its share of passes, over cases that have an answer, and how
    long an answer took.
    """

    place: int
    score: Estimate
    passes: Estimate
    median_ms: int | None
    p95_ms: int | None
    flakiness: Flakiness | None


@dataclass(frozen=True, slots=True)
class Mixed:
    """How often a contestant answered with each label: (wanted, found, cases), by their places
    among the labels from 1; 0 is none of them.
    """

    place: int
    cells: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """The evidence of a run. `verdicts` are of every two contestants, by their places; `slices`
    those of the leading pair, by tag.

    `reckoned_from` says what went in, so that the same comes out again: answers, repeats, the seed
    of the resampling.
    """

    measure: Measure
    reckoned_from: Mapping[str, int]
    standings: tuple[Standing, ...]
    pairs: tuple[tuple[int, int, Verdict], ...]
    leading: tuple[int, int] | None
    slices: tuple[Slice, ...]
    labels: tuple[str, ...]
    mixed: tuple[Mixed, ...]

    def standing(self, place: int) -> Standing | None:
        """What is known of the contestant at this place."""
        return next((one for one in self.standings if one.place == place), None)

    def verdict(self, first: int, second: int) -> Verdict | None:
        """The verdict on these two, as the first sees it."""
        for one, other, verdict in self.pairs:
            if (one, other) == (first, second):
                return verdict
            if (other, one) == (first, second):
                return turned(verdict)
        return None


TURNED: dict[VerdictKind, VerdictKind] = {"better": "worse", "worse": "better"}


def turned(verdict: Verdict) -> Verdict:
    """The same comparison, the other way round."""
    ends = verdict.interval
    return replace(
        verdict,
        first=verdict.second,
        second=verdict.first,
        kind=TURNED.get(verdict.kind, verdict.kind),
        first_mean=verdict.second_mean,
        second_mean=verdict.first_mean,
        difference=None if verdict.difference is None else -verdict.difference,
        interval=None if ends is None else Interval(-ends.high, -ends.low),
        better_on=verdict.worse_on,
        worse_on=verdict.better_on,
    )


@cache
def _adapter() -> TypeAdapter[Figures]:
    return TypeAdapter(Figures)


def written(figures: Figures) -> dict[str, Any]:
    """As JSON."""
    kept: dict[str, Any] = _adapter().dump_python(figures, mode="json")
    return kept


def read(kept: Mapping[str, Any]) -> Figures:
    """From JSON."""
    return _adapter().validate_python(kept)
