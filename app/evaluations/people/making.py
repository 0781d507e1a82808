"""What a round shows, made of what a run's contestants answered; pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from app.evaluations.people.ordering import repeatable

Shown = tuple[int, ...]
"""The ids of the results that an item shows: of a duel two, the first contestant's first."""


class Given(NamedTuple):
    """A result: `place` is its contestant's, `said` is equal for answers that are word for word the
    same.
    """

    result_id: int
    case_id: int
    place: int
    said: str


def drawn(case_ids: Sequence[int], most: int, seed: int) -> list[int]:
    """So many of the cases, each as likely as any other."""
    return repeatable("cases", seed).sample(list(case_ids), min(most, len(case_ids)))


def to_grade(given: Sequence[Given], seed: int) -> list[Shown]:
    """Items that are graded alone, shuffled; the same answer to a case stands in one item."""
    alike: dict[tuple[int, str], list[int]] = defaultdict(list)
    for one in given:
        alike[one.case_id, one.said].append(one.result_id)
    return _shuffled(map(tuple, alike.values()), seed)


def to_choose(
    given: Sequence[Given], seed: int, *, against: int | None = None
) -> tuple[list[Shown], list[Shown]]:
    """Pairs to choose from, shuffled, and those of which both say the same: nobody need be asked.
    `against` is the place of the contestant that all others meet.
    """
    by_case: dict[int, list[Given]] = defaultdict(list)
    for one in given:
        by_case[one.case_id].append(one)
    pairs = [pair for several in by_case.values() for pair in _pairs(several, against)]
    differ = ((a.result_id, b.result_id) for a, b in pairs if a.said != b.said)
    same: list[Shown] = [(a.result_id, b.result_id) for a, b in pairs if a.said == b.said]
    return _shuffled(differ, seed), same


def _pairs(given: Sequence[Given], against: int | None) -> Iterator[tuple[Given, Given]]:
    for first, second in combinations(sorted(given, key=lambda one: one.place), 2):
        if against is None or against in {first.place, second.place}:
            yield first, second


def _shuffled(items: Iterator[Shown], seed: int) -> list[Shown]:
    found = sorted(items)  # so that the seed alone decides
    repeatable("items", seed).shuffle(found)
    return found
