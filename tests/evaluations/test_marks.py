"""The marks of a chart's points: each can be read, wherever the points lie and however wide it is
drawn.
"""

from itertools import combinations
from random import Random

import pytest

from app.core.views import Dot
from app.evaluations.reports.marks import HEIGHT, POINT, WIDTHS, Box, Mark, box_of, placed


def dots(*at: tuple[float, float], spread: float = 6):
    """Points with intervals, as a chart has them."""
    return [
        Dot(str(n), f"Contestant {n}", x, y, max(y - spread, 0), min(y + spread, 100), "", "")
        for n, (x, y) in enumerate(at, start=1)
    ]


def test_a_point_that_stands_alone_has_its_mark_to_the_right():
    assert placed(dots((50, 50))) == [Mark(11.5, 0.0)]
    assert placed(dots((10, 20), (80, 70)))[1] == Mark(11.5, 0.0)


def test_a_word_at_the_end_stands_to_the_left_and_points_without_a_mark_need_no_place():
    several = [Dot("", "a look", n, 50, 45, 55, "", "") for n in range(0, 100, 5)]
    drifted = Dot("drifted", "a look", 100, 50, 45, 55, "", "")
    *others, last = placed([*several, drifted])
    assert others == [Mark()] * len(several)
    assert last.x < 0 or last.y != 0
    assert box_of(drifted, last, WIDTHS[0]).is_within(WIDTHS[0])


@pytest.mark.parametrize("width", [*WIDTHS, 320, 700])
def test_marks_of_points_that_lie_together_overlap_neither_each_other_nor_a_point(width):
    chance = Random(3)  # noqa: S311 - a drawing
    crowds = [
        [(50, 50)] * 5,
        [(98, 92), (98, 90), (97, 88), (99, 91), (96, 90)],
        [(3, 40), (3.5, 41), (4, 39), (5, 42), (30, 40)],
        *([(chance.gauss(60, 8), chance.gauss(60, 5)) for _ in range(5)] for _ in range(20)),
    ]
    for crowd in crowds:
        found = dots(*crowd)
        boxes = [box_of(dot, mark, width) for dot, mark in zip(found, placed(found), strict=True)]
        assert not [pair for pair in combinations(boxes, 2) if pair[0].meets(pair[1])], crowd
        for dot in found:
            x, y = dot.x * width / 100, HEIGHT - dot.y * HEIGHT / 100
            point = Box(x - POINT, y - POINT, x + POINT, y + POINT)
            assert not any(box.meets(point) for box in boxes), crowd
