"""How pairs came out that a judge was asked about, once or in both orders; pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.evaluations.duels.wins import Outcome, Pair
from app.evidence.agreement import order_swap
from app.evidence.base import OrderSwap

Results = tuple[int, int]
"""The ids of the two results, that of the contestant with the lower place first."""


def by_pair(said: Sequence[Any]) -> dict[Results, list[Any]]:
    """What the judge said of each pair."""
    found: dict[Results, list[Any]] = defaultdict(list)
    for one in said:
        found[one.first_id, one.second_id].append(one)
    return found


def whole(said: Sequence[Any], *, both_ways: bool) -> list[Any]:
    """What was said of pairs of which every reply is there; of the same answers nobody is asked."""
    if not both_ways:
        return list(said)
    return [
        one
        for several in by_pair(said).values()
        if len(several) > 1 or several[0].answer_id is None
        for one in several
    ]


def outcome_of(several: Sequence[Any]) -> Outcome:
    """Asked about in both orders, a pair of which the judge does not say the same is a tie.

    Source: Zheng et al., Judging LLM-as-a-Judge, 2023, section 3.4.
    """
    outcomes = {one.outcome for one in several}
    outcome: Outcome = outcomes.pop() if len(outcomes) == 1 else "tie"
    return outcome


def outcomes_of(said: Sequence[Any]) -> Iterator[tuple[Pair, Outcome]]:
    """How each pair of contestants came out, case by case."""
    for several in by_pair(said).values():
        yield (several[0].first_place, several[0].second_place), outcome_of(several)


def in_both_orders(pairs: Mapping[Results, Sequence[Any]]) -> tuple[list[Outcome], list[Outcome]]:
    """What was said with the first shown first, and with it shown second."""
    both = [{one.was_first: one.outcome for one in several} for several in pairs.values()]
    both = [one for one in both if len(one) > 1]
    return [one[True] for one in both], [one[False] for one in both]


def swap_of(said: Sequence[Any]) -> OrderSwap:
    """The judge against itself, the answers swapped."""
    return order_swap(*in_both_orders(by_pair(said)))
