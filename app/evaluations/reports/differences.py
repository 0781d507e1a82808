"""Contestants against each other as pages show it: differences, and where among the cases they lie.
Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from app.evaluations.reports.figures import Figures
from app.evaluations.reports.scores import UNKNOWN, Bar, said, scaled_to, signed, span
from app.evidence.base import Measure, Slice, Verdict
from app.evidence.words import sentence

KINDS = {
    "better": "better",
    "worse": "worse",
    "same": "the same",
    "no_large_difference": "no large difference",
    "not_enough": "not enough evidence",
    "too_few": "too few cases",
}


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A contestant against the one that all are compared with."""

    place: int
    name: str
    is_base: bool
    amount: str
    interval: str
    bar: Bar | None
    fixed: int
    broken: int
    words: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Differences:
    """Everybody against `name`; `scale` is how far the drawing reaches to each side."""

    place: int
    name: str
    unit: str
    rows: tuple[DifferenceRow, ...]
    scale: tuple[str, str]


@dataclass(frozen=True, slots=True)
class SliceRow:
    """The leading pair within a part of the cases."""

    name: str
    cases: int
    first: str
    second: str
    words: str
    is_shown: bool


def differences_of(
    figures: Figures, names: Sequence[str], tuned: Sequence[bool], against: int
) -> Differences:
    """Everybody against the contestant at this place, the most different first."""
    found = [
        (place, verdict)
        for place in range(len(names))
        if place != against and (verdict := figures.verdict(place, against)) is not None
    ]
    found.sort(key=lambda one: -(one[1].difference or 0))
    reach = _reach([verdict for _, verdict in found], figures.measure)
    far = f"{reach:.3g}" if figures.measure == "number" else f"{reach * 100:.0f}"
    return Differences(
        place=against + 1,
        name=names[against],
        unit="Difference" if figures.measure == "number" else "Points",
        rows=tuple(
            _difference_row(place, verdict, names, tuned, reach) for place, verdict in found
        ),
        scale=(f"−{far}", f"+{far}"),
    )


def _difference_row(
    place: int, verdict: Verdict, names: Sequence[str], tuned: Sequence[bool], reach: float
) -> DifferenceRow:
    difference, ends = verdict.difference, verdict.interval
    scaled = scaled_to(-reach, reach)
    return DifferenceRow(
        place=place + 1,
        name=names[place],
        is_base=not tuned[place],
        amount=UNKNOWN if difference is None else signed(difference, verdict.measure),
        interval=span(ends, verdict.measure),
        bar=scaled(ends, difference) if ends and difference is not None else None,
        fixed=verdict.better_on,
        broken=verdict.worse_on,
        words=KINDS[verdict.kind],
        sentence=sentence(verdict),
    )


def slices_of(figures: Figures) -> tuple[SliceRow, ...]:
    """The leading pair in the parts of the cases, those first that differ the most."""
    ranked = sorted(figures.slices, key=lambda one: -abs(one.verdict.difference or 0))
    return tuple(_slice_row(one, figures.measure) for one in ranked)


def _slice_row(one: Slice, measure: Measure) -> SliceRow:
    verdict = one.verdict
    first, second = (
        UNKNOWN if mean is None else said(mean, measure)
        for mean in (verdict.first_mean, verdict.second_mean)
    )
    words = KINDS[verdict.kind]
    if verdict.kind in {"better", "worse"} and not one.is_shown:
        words = f"{words} here, not shown among all the slices"
    elif verdict.kind in {"better", "worse"} and verdict.difference is not None:
        words = f"{words} by {signed(abs(verdict.difference), measure).lstrip('+')}"
    return SliceRow(one.name, verdict.cases, first, second, words, one.is_shown)


def _reach(verdicts: Sequence[Verdict], measure: Measure) -> float:
    far = [max(abs(one.interval.low), abs(one.interval.high)) for one in verdicts if one.interval]
    widest = max(far, default=0) or 0.1
    step = 0.05 if measure != "number" else 10 ** floor(log10(widest))
    return ceil(widest / step) * step
