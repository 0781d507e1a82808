"""Scores of a run as its pages show them: numbers in words and in places of a drawing. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from app.evaluations.models import Contestant, ContestantKind
from app.evaluations.reports.figures import Figures, Standing
from app.evidence.base import Estimate, Interval, Measure
from app.evidence.proportions import proportion

WIDTH = 1000
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
    scaled = scaled_to(low, high)
    ranked = sorted(found, key=lambda one: -(one.score.value or 0)) if figures else found
    return Scores(
        MEASURES[measure],
        measure == "passes",
        tuple(
            _score_row(contestants[one.place], one, names, notes, tuned, leading, measure, scaled)
            for one in ranked
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


def signed(difference: float, measure: Measure) -> str:
    """+5.3, −13.3; of points without their unit."""
    size = difference if measure == "number" else difference * 100
    text = f"{size:+.3g}" if measure == "number" else f"{size:+.1f}"
    return text.replace("-", "−") if float(text) else "0"


def _ends(scores: Sequence[Estimate], measure: Measure) -> tuple[float, float]:
    """Where a scale that holds all intervals begins and ends, at even numbers."""
    lows = [one.interval.low for one in scores if one.interval]
    highs = [one.interval.high for one in scores if one.interval]
    if not lows:
        return 0.0, 0.0
    low, high = min(lows), max(highs)
    step = 0.05 if measure != "number" else 10 ** floor(log10(high - low or abs(high) or 1))
    return floor(low / step) * step, ceil(high / step) * step


def scaled_to(low: float, high: float) -> Callable[[Interval, float], Bar]:
    width = high - low or 1

    def at(value: float) -> float:
        return round(min(max((value - low) / width, 0), 1) * WIDTH, 1)

    return lambda ends, mid: Bar(at(ends.low), at(mid), at(ends.high))
