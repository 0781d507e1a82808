"""How a rescue stands, in figures and sentences."""

from datetime import date

import pytest

from app.rescue.pages.standing import Measured, Sums, days_left, seconds_left

TO_COME = Sums(found=100, home=40, waiting=60, missing=0, size=1_000, announced=6_000_000)


@pytest.mark.parametrize(
    ("measured", "seconds"),
    [
        (Measured(60, 60, 60_000), 6_000),  # 1 kB a second: the bytes take longest
        (Measured(60, 30, 60_000_000), 120),  # half an object a second: their number does
        (Measured(60, 60, 0), None),  # no file came yet, and files are what waits
        (Measured(5, 60, 60_000), None),
        (Measured(60, 5, 60_000), None),
    ],
)
def test_time_left_comes_from_what_was_measured_or_is_not_said(measured, seconds):
    assert seconds_left(TO_COME, measured) == seconds


def test_without_announced_bytes_the_number_of_objects_decides():
    assert seconds_left(Sums(100, 40, 60, 0, 0, 0), Measured(30, 30, 0)) == 60


@pytest.mark.parametrize(
    ("day", "words"),
    [(28, "today"), (29, "tomorrow"), (30, "in 2 days"), (27, "")],
)
def test_days_are_said_as_one_says_them(day, words):
    assert days_left(date(2026, 11, day), date(2026, 11, 28)) == words
