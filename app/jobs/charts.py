"""Numbers to points for the job pages; pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# Whole numbers, for a list draws three thousand points.
WIDTH, TOP, BOTTOM = 1000.0, 20.0, 300.0
SPARK_POINTS = 60

ChartSeries = Mapping[str, tuple[Sequence[int], Sequence[float]]]


def spark_path(values: Sequence[float], *, low: float, high: float, share: float) -> str:
    """An SVG path in a box of 1000 by 320, `share` (0 to 1) of its width; both lines of a job get
    the same `low` and `high`.
    """
    if not values:
        return ""
    across = WIDTH * share / max(len(values) - 1, 1)
    up = (BOTTOM - TOP) / ((high - low) or 1.0)
    points = [
        f"{int(index * across)} {int(BOTTOM - (value - low) * up)}"
        for index, value in enumerate(values)
    ]
    return "M" + "L".join(points)


def thinned(
    kept: Sequence[Sequence[float]], fresh: Sequence[tuple[int, float]]
) -> list[list[float]]:
    """At most sixty points of a series, evenly spaced, to four digits: more than a pixel shows."""
    points = [list(point) for point in kept]
    gap = points[1][0] - points[0][0] if len(points) > 1 else 0
    for step, value in fresh:
        if points and step - points[-1][0] < gap:
            continue
        points.append([step, float(f"{value:.4g}")])
        if len(points) > SPARK_POINTS:
            points = points[::2]
            gap = points[1][0] - points[0][0]
    return points


class SparkPaths(NamedTuple):
    """Two SVG paths in a box of 1000 by 320."""

    train: str
    valid: str


def highest(kept: Mapping[str, Any] | None) -> float:
    """The highest loss of a spark-line; 0 before there is a point."""
    lines = [(kept or {}).get(name, []) for name in ("train", "valid")]
    return max((value for line in lines for _, value in line), default=0.0)


def spark(
    kept: Mapping[str, Any] | None,
    *,
    step: int | None,
    total_steps: int | None,
    top: float | None = None,
) -> SparkPaths | None:
    """The spark-line of a job: both losses on one scale, as wide as the job has come. None before
    there is a point. With a `top` the scale is 0 to it, which several jobs can share.
    """
    if not kept or not kept.get("train"):
        return None
    train = [value for _, value in kept["train"]]
    valid = [value for _, value in kept.get("valid", [])]
    low, high = min(train + valid), max(train + valid)
    if top is not None:
        low, high = 0.0, top
    share = min(1.0, (step or 1) / total_steps) if total_steps else 1.0
    return SparkPaths(
        spark_path(train, low=low, high=high, share=share),
        spark_path(valid, low=low, high=high, share=share),
    )


def aligned(series: ChartSeries, names: Sequence[str]) -> dict[str, list[Any]]:
    """Series side by side over all their steps, null where one has no point: what a chart and the
    API take.
    """
    steps = sorted({step for name in names if name in series for step in series[name][0]})
    table: dict[str, list[Any]] = {"step": list(steps)}
    for name in names:
        values = dict(zip(*series[name], strict=True)) if name in series else {}
        table[name] = [values.get(step) for step in steps]
    return table
