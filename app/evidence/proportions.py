"""Counts: one proportion, the difference of two over the same cases, plus against minus."""

from math import sqrt
from statistics import NormalDist

from app.evidence.base import LEVEL, Estimate, Interval, SignTest


def quantile(level: float) -> float:
    """How many standard errors reach to each side of an interval of this level: 1.96 for 95 %."""
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(successes: float, cases: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval of one proportion (J. Am. Stat. Assoc. 22, 1927); of no case, all."""
    if not cases:
        return Interval(0.0, 1.0)
    z2 = quantile(level) ** 2
    middle = (successes + z2 / 2) / (cases + z2)
    spread = successes * (cases - successes) / cases + z2 / 4
    half = sqrt(z2 * spread) / (cases + z2)
    # At the ends the formula is exactly 0 or 1, the arithmetic only nearly.
    low = middle - half if successes else 0.0
    high = middle + half if successes < cases else 1.0
    return Interval(max(low, 0.0), min(high, 1.0))


def proportion(successes: int, cases: int) -> Estimate:
    """This share of the cases, with Wilson's interval."""
    if not cases:
        return Estimate(None, None, 0)
    return Estimate(successes / cases, wilson(successes, cases), cases)


def paired_interval(more: int, fewer: int, cases: int, level: float = LEVEL) -> Interval:
    """The difference of two pass rates over the same cases, of which `more` only the first passed
    and `fewer` only the second.

    Bonett and Price (J. Educ. Behav. Stat. 37, 2012): Wald's interval with a case added each way;
    chosen among those Fagerland, Lydersen and Laake recommend (Stat. Med. 33, 2014) because it
    has a width even where no case differs, and leaves out 0 very nearly where mid-p is under 5 %.
    """
    if not cases:
        return Interval(-1.0, 1.0)
    middle = (more - fewer) / (cases + 2)
    variance = (more + fewer + 2) / (cases + 2) - middle**2
    half = quantile(level) * sqrt(variance / (cases + 2))
    return Interval(max(middle - half, -1.0), min(middle + half, 1.0))


def sign_test(plus: int, minus: int) -> SignTest:
    """How often a fair coin does this or worse; ties do not count. Of passes: McNemar's test.

    Source of mid-p: Fagerland, Lydersen and Laake, BMC Med. Res. Methodol. 13:91, 2013.
    """
    from scipy.special import bdtr  # noqa: PLC0415 - 20 MB, for those alone who test

    tosses, fewer = plus + minus, min(plus, minus)
    if plus == minus:
        return SignTest(plus, minus, 1.0, 1.0)
    to_here = float(bdtr(fewer, tosses, 0.5))
    below = float(bdtr(fewer - 1, tosses, 0.5)) if fewer else 0.0
    return SignTest(plus, minus, min(2 * to_here, 1.0), to_here + below)
