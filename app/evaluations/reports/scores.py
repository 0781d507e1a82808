"""Scores, differences and slices of a run as its pages show them: numbers in words and in places of
a drawing. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from app.evaluations.models import Contestant, ContestantKind
from app.evaluations.reports.figures import Figures, Standing
from app.evidence.base import Estimate, Interval, Measure, Slice, Verdict
from app.evidence.proportions import proportion
from app.evidence.words import sentence

WIDTH = 1000
KINDS = {
    "better": "better",
    "worse": "worse",
    "same": "the same",
    "no_large_difference": "no large difference",
    "not_enough": "not enough evidence",
    "too_few": "too few cases",
}
MEASURES: Mapping[Measure, str] = {"passes": "Correct", "share": "Score", "number": "Score"}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval and its middle, in thousandths of the drawing's width."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A contestant in the table of scores. `place` counts from 1; `asked` of `expected` answers are
    there, `failed` are lost.
    """

    place: int
    name: str
    note: str
    is_base: bool
    is_leading: bool
    value: str
    interval: str
    bar: Bar | None
    passes: str
    price: str
    latency: str
    latency_note: str
    graded: int
    failed: int
    expected: int
    flakiness: str


@dataclass(frozen=True, slots=True)
class Scores:
    """The table of scores: what is measured, and where its scale begins and ends."""

    measure: str
    is_passes: bool
    rows: tuple[ScoreRow, ...]
    scale: tuple[str, str] | None


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


def scores_of(
    contestants: Sequence[Contestant],
    names: Sequence[str],
    notes: Sequence[str],
    tuned: Sequence[bool],
    figures: Figures | None,
) -> Scores:
    """The table of scores; before there is evidence, of what has passed so far."""
    measure: Measure = figures.measure if figures else "passes"
    found = [
        (figures.standing(place) if figures else None) or _so_far(place, one)
        for place, one in enumerate(contestants)
    ]
    low, high = _ends([one.score for one in found], measure)
    leading = figures.leading[0] if figures and figures.leading else None
    return Scores(
        MEASURES[measure],
        measure == "passes",
        tuple(
            _score_row(one, standing, names, notes, tuned, leading, measure, _scaled(low, high))
            for one, standing in zip(contestants, found, strict=True)
        ),
        (plain(low, measure), plain(high, measure)) if high > low else None,
    )


def _so_far(place: int, one: Contestant) -> Standing:
    passes = proportion(one.passed, one.graded)
    return Standing(place, passes, passes, None, None, None)


def _score_row(
    one: Contestant,
    standing: Standing,
    names: Sequence[str],
    notes: Sequence[str],
    tuned: Sequence[bool],
    leading: int | None,
    measure: Measure,
    scaled: Callable[[Interval, float], Bar],
) -> ScoreRow:
    place, score = standing.place, standing.score
    flaky = standing.flakiness
    return ScoreRow(
        place=place + 1,
        name=names[place],
        note=notes[place],
        is_base=not tuned[place],
        is_leading=place == leading,
        value=UNKNOWN if score.value is None else said(score.value, measure),
        interval=span(score.interval, measure),
        bar=scaled(score.interval, score.value)
        if score.interval and score.value is not None
        else None,
        passes=UNKNOWN if standing.passes.value is None else said(standing.passes.value, "passes"),
        price=price(one),
        latency=seconds(standing.median_ms),
        latency_note=f"95 of 100 within {seconds(standing.p95_ms)}" if standing.p95_ms else "",
        graded=one.graded,
        failed=one.failed,
        expected=one.expected,
        flakiness=""
        if flaky is None or flaky.disagreeing.value is None
        else f"{said(flaky.disagreeing.value, 'passes')} of cases answered differently",
    )


def price(one: Contestant) -> str:
    """What its answers cost, as far as anybody knows."""
    if one.kind != ContestantKind.MODEL:
        return "nothing"
    if not one.spent:
        return "free" if one.graded else "nothing yet"
    dollars = one.spent / 1_000_000
    return f"${dollars:,.2f}" if dollars >= 0.01 else "under $0.01"  # noqa: PLR2004


def seconds(ms: int | None) -> str:
    """0.31 s, 12 s."""
    if ms is None:
        return UNKNOWN
    return f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.0f} s"  # noqa: PLR2004


def said(value: float, measure: Measure) -> str:
    """A score in words: 93.4 %, 0.81."""
    return f"{value:.3g}" if measure == "number" else f"{value * 100:.1f} %"


def plain(value: float, measure: Measure) -> str:
    """An end of a scale: 70 %, 0.5."""
    return f"{value:.3g}" if measure == "number" else f"{value * 100:.0f} %"


def span(interval: Interval | None, measure: Measure) -> str:
    """Both ends without their unit: 92.5 to 94.2."""
    if interval is None:
        return UNKNOWN
    ends = (interval.low, interval.high)
    if measure == "number":
        return " to ".join(f"{end:.3g}".replace("-", "−") for end in ends)
    return " to ".join(f"{end * 100:.1f}".replace("-", "−") for end in ends)


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
    scaled = _scaled(-reach, reach)
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


def signed(difference: float, measure: Measure) -> str:
    """+5.3, −13.3; of points without their unit."""
    size = difference if measure == "number" else difference * 100
    text = f"{size:+.3g}" if measure == "number" else f"{size:+.1f}"
    return text.replace("-", "−") if float(text) else "0"


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


def _ends(scores: Sequence[Estimate], measure: Measure) -> tuple[float, float]:
    """Where a scale that holds all intervals begins and ends, at even numbers."""
    lows = [one.interval.low for one in scores if one.interval]
    highs = [one.interval.high for one in scores if one.interval]
    if not lows:
        return 0.0, 0.0
    low, high = min(lows), max(highs)
    step = 0.05 if measure != "number" else 10 ** floor(log10(high - low or abs(high) or 1))
    return floor(low / step) * step, ceil(high / step) * step


def _reach(verdicts: Sequence[Verdict], measure: Measure) -> float:
    far = [max(abs(one.interval.low), abs(one.interval.high)) for one in verdicts if one.interval]
    widest = max(far, default=0) or 0.1
    step = 0.05 if measure != "number" else 10 ** floor(log10(widest))
    return ceil(widest / step) * step


def _scaled(low: float, high: float) -> Callable[[Interval, float], Bar]:
    width = high - low or 1

    def at(value: float) -> float:
        return round(min(max((value - low) / width, 0), 1) * WIDTH, 1)

    return lambda ends, mid: Bar(at(ends.low), at(mid), at(ends.high))
