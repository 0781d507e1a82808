"""Head to head: who was preferred, and how often neither."""

from app.evidence.base import Estimate, Interval, WinRate
from app.evidence.proportions import paired_interval, proportion, sign_test


def win_rate(wins: int, ties: int, losses: int, *, names: tuple[str, str]) -> WinRate:
    """How often the first won. A tie counts half a win to each, or is left out: both are told.

    With half wins the rate is 1/2 and half of the difference of wins and losses over the same
    cases, and so is its interval.
    """
    cases = wins + ties + losses
    half = Estimate(None, None, 0)
    if cases:
        of_difference = paired_interval(wins, losses, cases)
        ends = Interval((1 + of_difference.low) / 2, (1 + of_difference.high) / 2)
        half = Estimate((wins + ties / 2) / cases, ends, cases)
    return WinRate(
        first=names[0],
        second=names[1],
        wins=wins,
        ties=ties,
        losses=losses,
        half=half,
        decided=proportion(wins, wins + losses),
        test=sign_test(wins, losses),
    )
