"""How far those who grade agree: two, many, a judge with people, a judge with itself."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from itertools import product
from math import sqrt
from typing import Any, Literal

from app.evidence.base import LEVEL, Agreement, Interval, JudgeQuality, OrderSwap
from app.evidence.proportions import proportion, quantile, sign_test, wilson

Choice = Literal["first", "second", "tie"]


def cohen(first: Sequence[Hashable | None], second: Sequence[Hashable | None]) -> Agreement:
    """Two who labelled the same cases; those that one left open (None) do not count.

    The interval is by the large-sample variance of Fleiss, Cohen and Everitt (Psychol. Bull. 72,
    1969); where all agree that would be 0, and Wilson's of the agreement stands in.
    """
    pairs = Counter(
        (a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None
    )
    cases = pairs.total()
    together = sum(count for (a, b), count in pairs.items() if a == b)
    agreed = proportion(together, cases)
    rows, columns = Counter[Hashable](), Counter[Hashable]()
    for (a, b), count in pairs.items():
        rows[a] += count
        columns[b] += count
    by_chance = sum(rows[label] * columns[label] for label in rows) / cases**2 if cases else 1.0
    if by_chance == 1 or agreed.value is None:
        return Agreement(cases, agreed, None, None)
    kappa = (agreed.value - by_chance) / (1 - by_chance)
    if together == cases:
        least = (wilson(together, cases).low - by_chance) / (1 - by_chance)
        return Agreement(cases, agreed, kappa, Interval(max(least, -1.0), 1.0))
    half = quantile(LEVEL) * _error(pairs, rows, columns, kappa, by_chance)
    ends = Interval(max(kappa - half, -1.0), min(kappa + half, 1.0))
    return Agreement(cases, agreed, kappa, ends)


def _error(
    pairs: Counter[tuple[Hashable, Hashable]],
    rows: Counter[Hashable],
    columns: Counter[Hashable],
    kappa: float,
    by_chance: float,
) -> float:
    """Kappa's standard error."""
    cases = pairs.total()
    alike = apart = 0.0
    for (a, b), count in pairs.items():
        if a == b:
            alike += count * (1 - (rows[a] + columns[a]) / cases * (1 - kappa)) ** 2 / cases
        else:
            apart += count * ((columns[a] + rows[b]) / cases) ** 2 / cases
    rest = (kappa - by_chance * (1 - kappa)) ** 2
    variance = (alike + (1 - kappa) ** 2 * apart - rest) / (cases * (1 - by_chance) ** 2)
    return sqrt(max(variance, 0.0))


def judge_quality(judge: Sequence[bool | None], people: Sequence[bool | None]) -> JudgeQuality:
    """Where a judge passes what people pass; None where one of them has not said."""
    said = Counter(
        (bool(one), bool(other))
        for one, other in zip(judge, people, strict=True)
        if one is not None and other is not None
    )
    both = said[True, True]
    return JudgeQuality(
        agreement=cohen(judge, people),
        precision=proportion(both, both + said[True, False]),
        recall=proportion(both, both + said[False, True]),
        passed_by_both=both,
        passed_by_judge_alone=said[True, False],
        passed_by_people_alone=said[False, True],
        failed_by_both=said[False, False],
    )


def krippendorff(
    ratings: Sequence[Sequence[Any]], level: Literal["nominal", "interval"] = "nominal"
) -> float | None:
    """Krippendorff's alpha of any number of people, None where one has not said: 1 where all agree,
    0 as by chance. One row a case. `nominal` of labels, `interval` of numbers.

    None where no case has two who said, or nobody ever said anything but one and the same.
    Source: K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    apart = _different if level == "nominal" else _squared
    rows = [[said for said in row if said is not None] for row in ratings]
    rows = [row for row in rows if len(row) > 1]
    everything = Counter(said for row in rows for said in row)
    total = everything.total()
    expected = _disagreement(everything, apart)
    if not expected:
        return None
    observed = sum(_disagreement(Counter(row), apart) / (len(row) - 1) for row in rows)
    return 1 - (total - 1) * observed / expected


def _disagreement(counts: Counter[Any], apart: Callable[[Any, Any], float]) -> float:
    return sum(
        counts[one] * counts[other] * apart(one, other) for one, other in product(counts, repeat=2)
    )


def _different(one: object, other: object) -> float:
    return float(one != other)


def _squared(one: float, other: float) -> float:
    return float(one - other) ** 2


def order_swap(as_asked: Sequence[Choice | None], swapped: Sequence[Choice | None]) -> OrderSwap:
    """The same judge over the same pairs, `first` shown first and then shown second; both in terms
    of the same two contestants. Where it was unsure once and sure once, the sure one counts.
    """
    said = Counter(
        (one, other)
        for one, other in zip(as_asked, swapped, strict=True)
        if one is not None and other is not None
    )
    cases = said.total()
    consistent = sum(count for (one, other), count in said.items() if one == other)
    leaning = {"first": 1, "tie": 0, "second": -1}
    front = back = 0
    for (one, other), count in said.items():
        turn = leaning[one] - leaning[other]
        front, back = front + count * (turn > 0), back + count * (turn < 0)
    return OrderSwap(cases, proportion(consistent, cases), front, back, sign_test(front, back))
