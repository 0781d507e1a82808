"""What so many cases would show, before they are paid for; and how many a difference takes.

Of pass and fail by the very rule that verdicts follow (`paired_interval` leaves out 0), counted
exactly; of scores by the normal approximation. `discordance` is the share of cases that only one of
the two passes: seen in an earlier comparison, or guessed by `unrelated_discordance`.
"""

from collections.abc import Callable
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

from app.evidence.base import FEWEST, LEVEL, POWER, Measure, Plan
from app.evidence.proportions import quantile

MOST = 10_000_000
"""Nobody answers more cases."""
NORMAL = NormalDist()
FINEST = 1e-4
"""Differences are looked for to a hundredth of a point."""


def power(cases: int, difference: float, discordance: float) -> float:
    """How often that many cases show a difference of this size, in its own direction.

    A discordance below the difference is read as the difference: fewer cases cannot make it.
    """
    from scipy.special import bdtrc, gammaln  # noqa: PLC0415 - 20 MB, for those alone who plan

    size = abs(difference)
    rate = min(max(discordance, size), 1.0)
    if cases < FEWEST or not rate:
        return 0.0
    middle, reach = cases * rate, 9 * sqrt(cases * rate * (1 - rate)) + 20
    differing = np.arange(max(0, int(middle - reach)), min(cases, int(middle + reach)) + 1)
    equal = cases - differing
    logs = gammaln(cases + 1) - gammaln(differing + 1) - gammaln(equal + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs += differing * np.log(rate) + np.where(equal > 0, equal * np.log1p(-rate), 0.0)
    z2 = quantile(LEVEL) ** 2
    ahead = np.sqrt(z2 * (differing + 2) / (1 + z2 / (cases + 2)))
    least = np.floor((differing + ahead) / 2)
    shown = np.where(
        least < differing,
        bdtrc(np.minimum(least, differing), differing, (1 + size / rate) / 2),
        0.0,
    )
    return float(min((np.exp(logs) * shown).sum(), 1.0))


def cases_needed(
    difference: float, discordance: float, wanted: float = POWER, *, most: int = MOST
) -> int | None:
    """How many cases show it so often, to half a percent; None if it takes more than `most`."""
    if not difference:
        return None
    return _fewest(lambda cases: power(cases, difference, discordance) >= wanted, most)


def smallest_shown(cases: int, discordance: float, wanted: float = POWER) -> float | None:
    """The least difference that many cases show so often; None where they show none."""
    return _least(lambda size: power(cases, size, discordance) >= wanted)


def unrelated_discordance(first_rate: float, second_rate: float) -> float:
    """How many cases only one would pass if what one passes said nothing of the other. Two models
    of one family differ less: this is the careful guess.
    """
    return first_rate * (1 - second_rate) + second_rate * (1 - first_rate)


def power_of_mean(cases: int, difference: float, spread: float) -> float:
    """As `power`, of scores whose differences have this standard deviation."""
    if cases < FEWEST or not difference:
        return 0.0
    if not spread:
        return 1.0
    return NORMAL.cdf(abs(difference) * sqrt(cases) / spread - quantile(LEVEL))


def cases_needed_of_mean(
    difference: float, spread: float, wanted: float = POWER, *, most: int = MOST
) -> int | None:
    """As `cases_needed`, of scores."""
    reach = (quantile(LEVEL) + NORMAL.inv_cdf(wanted)) * spread
    if reach > abs(difference) * sqrt(most) or not difference:
        return None
    return max(ceil((reach / difference) ** 2), FEWEST)


def smallest_shown_of_mean(cases: int, spread: float, wanted: float = POWER) -> float | None:
    """As `smallest_shown`, of scores."""
    if cases < FEWEST:
        return None
    return (quantile(LEVEL) + NORMAL.inv_cdf(wanted)) * spread / sqrt(cases)


def plan(cases: int, *, measure: Measure, varying: float, difference: float | None = None) -> Plan:
    """What that many cases would show, and how many the wanted `difference` takes.

    `varying` is the discordance of passes, else the standard deviation of the differences.
    """
    needed = None
    if measure == "passes":
        smallest = smallest_shown(cases, varying)
        if difference is not None:
            needed = cases_needed(difference, varying)
    else:
        smallest = smallest_shown_of_mean(cases, varying)
        if difference is not None:
            needed = cases_needed_of_mean(difference, varying)
    return Plan(measure, cases, smallest, difference, needed)


def _fewest(is_enough: Callable[[int], bool], most: int) -> int | None:
    few, many = FEWEST - 1, most
    if not is_enough(many):
        return None
    while many - few > max(few // 200, 1):
        middle = (few + many) // 2
        few, many = (few, middle) if is_enough(middle) else (middle, many)
    return many


def _least(is_enough: Callable[[float], bool]) -> float | None:
    small, large = 0.0, 1.0
    if not is_enough(large):
        return None
    while large - small > FINEST:
        middle = (small + large) / 2
        small, large = (small, middle) if is_enough(middle) else (middle, large)
    return large
