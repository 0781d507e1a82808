"""A job's last 60 points as a spark-line. Proposed for app/jobs/charts.py (pure)."""

from collections.abc import Sequence

WIDTH, TOP, BOTTOM = 100.0, 2.0, 30.0


def spark_path(values: Sequence[float], *, low: float, high: float, share: float) -> str:
    """An SVG path in a box of 100 by 32, `share` (0 to 1) of its width; both lines of a job get the same
    `low` and `high`."""
    if not values:
        return ""
    span = (high - low) or 1.0
    step = WIDTH * share / max(len(values) - 1, 1)
    points = (
        f"{index * step:.1f} {BOTTOM - (value - low) / span * (BOTTOM - TOP):.1f}"
        for index, value in enumerate(values)
    )
    return "M" + "L".join(points)


SPARK_POINTS = 60


def thinned(kept: Sequence[Sequence[float]], fresh: Sequence[tuple[int, float]]) -> list[list[float]]:
    """At most sixty points of a series, evenly spaced: when there are more, every other one goes."""
    points = [list(point) for point in kept]
    gap = points[1][0] - points[0][0] if len(points) > 1 else 0
    for step, value in fresh:
        if points and step - points[-1][0] < gap:
            continue
        points.append([step, value])
        if len(points) > SPARK_POINTS:
            points = points[::2]
            gap = points[1][0] - points[0][0]
    return points
