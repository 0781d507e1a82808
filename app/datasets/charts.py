"""Numbers to points for the dataset pages; pure."""

from collections.abc import Sequence

from app.datasets.checks.report import histogram, median
from app.datasets.views_figures import Bar, Histogram


def histogram_of(counts: Sequence[tuple[int, int]]) -> Histogram:
    """The bars over (value, rows) in ascending order, at least one."""
    bars = tuple(Bar(one.first, one.last + 1, one.count) for one in histogram(counts))
    total = sum(value * rows for value, rows in counts)
    return Histogram(bars, ticks(max(bar.count for bar in bars)), median(counts), total)


def ticks(highest: int, *, at_most: int = 4) -> tuple[int, ...]:
    """Round values from 0 to at least `highest`, evenly spaced: 0, 1500, 3000, 4500."""
    if highest <= 0:
        return (0, 1)
    unit = 1
    while True:
        for step in (unit, 2 * unit, 5 * unit):
            if step * at_most >= highest:
                return tuple(range(0, -(-highest // step) * step + 1, step))
        unit *= 10
