"""Where the mark of each point of a chart stands, so that it can be read: not over another mark, a
point or an interval, and next to its point or led to it by a line. Pure.

Points lie in hundredths of a chart that is as wide as the page lets it be, marks in pixels beside
them: a place must do at every width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from math import hypot
from typing import NamedTuple

from app.core.views import Dot

# In pixels: charts on a telephone, beside another, alone; 12rem.
WIDTHS, HEIGHT = (250, 400, 520, 1100), 192
POINT, DIGIT, LINE = 6, 7, 12  # a point's half, a digit's width, a mark's height
BESIDE, STEP, MARGIN = 8, 13, 24
# How bad it is to stand over another mark, a point, outside of the chart, over an interval.
MARK, SPOT, OUTSIDE, INTERVAL = 1000, 300, 200, 40
ROUNDS = 4


class Box(NamedTuple):
    """A rectangle by its edges, in pixels from the upper left of the chart."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether they overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def is_within(self, width: int) -> bool:
        """Whether it lies in a chart of this width, or on the margin to the right of it."""
        across = self.left >= 0 and self.right <= width + MARGIN
        return across and self.top >= 0 and self.bottom <= HEIGHT


class Mark(NamedTuple):
    """The middle of a mark, in pixels from its point. `is_led` where it needs a line."""

    x: float = 12
    y: float = 0
    is_led: bool = False


def marked(dots: Sequence[Dot]) -> tuple[Dot, ...]:
    """The points with a place for each one's mark."""
    return tuple(
        replace(dot, mark_x=mark.x, mark_y=mark.y, is_led=mark.is_led)
        for dot, mark in zip(dots, placed(dots), strict=True)
    )


def placed(dots: Sequence[Dot]) -> list[Mark]:
    """A place for the mark of each point: the best for one after the other, and then again, since
    those that came first did not know of the others.
    """
    drawn = {width: list(_drawn(dots, width)) for width in WIDTHS}
    marks: list[Mark | None] = [None] * len(dots)
    for _ in range(ROUNDS):
        before = list(marks)
        for at, dot in enumerate(dots):
            if not dot.label:
                continue
            marks[at] = None
            taken = {
                width: [
                    box_of(other, mark, width)
                    for other, mark in zip(dots, marks, strict=True)
                    if mark is not None
                ]
                for width in WIDTHS
            }
            near = {width: _near(dot, drawn[width], width) for width in WIDTHS}
            marks[at] = min(_choices(dot), key=partial(_cost, dot, near, taken))
        if marks == before:
            break
    return [mark or Mark() for mark in marks]


def _choices(dot: Dot) -> Iterator[Mark]:
    """On either side, further and further away; to the right first."""
    half = DIGIT * len(dot.label) / 2
    for side, far, up in product((1, -1), range(3), range(-4, 5)):
        x, y = side * (BESIDE + half + far * STEP), float(up * STEP)
        yield Mark(x, y, is_led=far > 0 or abs(up) > 1)


def _cost(
    dot: Dot,
    near: dict[int, list[tuple[Box, int]]],
    taken: dict[int, list[Box]],
    mark: Mark,
) -> float:
    cost = hypot(mark.x, mark.y) + (mark.x < 0)
    for width in WIDTHS:
        box = box_of(dot, mark, width)
        cost += 0 if box.is_within(width) else OUTSIDE
        cost += sum(MARK for other in taken[width] if box.meets(other))
        cost += sum(price for other, price in near[width] if box.meets(other))
    return cost


def _drawn(dots: Sequence[Dot], width: int) -> Iterator[tuple[Box, int]]:
    """The points and their intervals, and how bad it is to stand over each."""
    for dot in dots:
        x, y = dot.x * width / 100, _down(dot.y)
        yield Box(x - POINT, y - POINT, x + POINT, y + POINT), SPOT
        yield Box(x - 1, _down(dot.high), x + 1, _down(dot.low)), INTERVAL


def _near(dot: Dot, drawn: Sequence[tuple[Box, int]], width: int) -> list[tuple[Box, int]]:
    """What the mark of this point could stand over."""
    x, far = dot.x * width / 100, BESIDE + DIGIT * len(dot.label) + 3 * STEP
    return [one for one in drawn if one[0].left < x + far and one[0].right > x - far]


def _down(y: float) -> float:
    return HEIGHT - y * HEIGHT / 100


def box_of(dot: Dot, mark: Mark, width: int) -> Box:
    """What a mark takes up in a chart of this width."""
    half = DIGIT * len(dot.label) / 2
    x, y = dot.x * width / 100 + mark.x, _down(dot.y) + mark.y
    return Box(x - half, y - LINE / 2, x + half, y + LINE / 2)
