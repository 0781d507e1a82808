"""Scores against price, latency and checkpoints as points of a drawing. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from app.core.views import Dot, DotChart
from app.evaluations.models import Contestant
from app.evaluations.reports.figures import Figures
from app.evaluations.reports.marks import marked
from app.evaluations.reports.scores import plain, price, said, seconds, span

MARKS = 4


@dataclass(frozen=True, slots=True)
class _Point:
    place: int
    x: float
    words: str


def against_price(
    contestants: Sequence[Contestant], names: Sequence[str], tuned: Sequence[bool], figures: Figures
) -> DotChart | None:
    """What a thousand answers cost, and what they scored; of those whose price is known."""
    found = [
        _Point(place, one.spent / max(one.graded, 1) / 1000, price(one))
        for place, one in enumerate(contestants)
        if one.spent and one.graded
    ]
    return _chart(found, names, tuned, figures, lambda value: f"${value:.3g}")


def against_latency(
    names: Sequence[str], tuned: Sequence[bool], figures: Figures
) -> DotChart | None:
    """The median seconds of an answer, and what was scored."""
    found = [
        _Point(one.place, one.median_ms / 1000, seconds(one.median_ms))
        for one in figures.standings
        if one.median_ms is not None
    ]
    return _chart(found, names, tuned, figures, lambda value: f"{value:.3g} s")


def by_checkpoint(
    contestants: Sequence[Contestant], names: Sequence[str], tuned: Sequence[bool], figures: Figures
) -> DotChart | None:
    """The score at each checkpoint that took part."""
    found = [
        _Point(place, one.checkpoint_step, f"step {one.checkpoint_step:,}")
        for place, one in enumerate(contestants)
        if one.checkpoint_step is not None
    ]
    return _chart(found, names, tuned, figures, lambda value: f"{value:,.0f}")


def _chart(
    found: Sequence[_Point],
    names: Sequence[str],
    tuned: Sequence[bool],
    figures: Figures,
    mark: Callable[[float], str],
) -> DotChart | None:
    known = [
        (one, score)
        for one in found
        if (standing := figures.standing(one.place)) is not None
        and (score := standing.score).value is not None
    ]
    if len(known) < 2:  # noqa: PLR2004 - one point is no chart
        return None
    lows = [s.interval.low if s.interval else s.value or 0 for _, s in known]
    highs = [s.interval.high if s.interval else s.value or 0 for _, s in known]
    measure = figures.measure
    x_marks = marks(0, max(one.x for one, _ in known))
    y_marks = marks(min(lows), max(highs))
    across, up = scale(x_marks), scale(y_marks)
    dots = [
        Dot(
            label=str(one.place + 1),
            name=names[one.place],
            x=across(one.x),
            y=up(score.value or 0),
            low=up(score.interval.low) if score.interval else up(score.value or 0),
            high=up(score.interval.high) if score.interval else up(score.value or 0),
            across=one.words,
            up=f"{said(score.value or 0, measure)} ({span(score.interval, measure)})",
            is_base=not tuned[one.place],
        )
        for one, score in sorted(known, key=lambda pair: pair[0].x)
    ]
    return DotChart(
        dots=marked(dots),
        x_ticks=tuple((across(value), mark(value)) for value in x_marks),
        y_ticks=tuple((up(value), plain(value, measure)) for value in y_marks),
    )


def marks(low: float, high: float) -> list[float]:
    """Even numbers from under the lowest to over the highest, a few of them."""
    width = (high - low) or abs(high) or 1
    rough = width / MARKS
    power = 10 ** floor(log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough)
    first, last = floor(low / step), ceil(high / step)
    return [round(at * step, 10) for at in range(first, max(last, first + 1) + 1)]


def scale(ends: Sequence[float]) -> Callable[[float], float]:
    """Where a number stands between the first mark and the last, in hundredths."""
    low, width = ends[0], ends[-1] - ends[0]
    return lambda value: round(100 * (value - low) / width, 2)
