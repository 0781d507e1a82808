"""How pairs come out of which a judge said something, nothing, or not the same twice."""

from typing import NamedTuple

from app.evaluations.duels.outcomes import outcomes_of, swap_of, whole


class Said(NamedTuple):
    """What a judge said of one pair in one order."""

    outcome: str
    was_first: bool = True
    first_id: int = 1
    second_id: int = 2
    first_place: int = 0
    second_place: int = 1
    answer_id: int | None = 7


def test_a_pair_that_is_not_judged_the_same_in_both_orders_is_a_tie():
    said = [Said("first"), Said("second", was_first=False)]
    assert list(outcomes_of(said)) == [((0, 1), "tie")]
    assert list(outcomes_of([Said("second"), Said("second", was_first=False)])) == [
        ((0, 1), "second")
    ]


def test_a_pair_of_which_a_reply_is_missing_does_not_count():
    alone, both = Said("first"), [Said("tie", first_id=3), Said("tie", False, first_id=3)]
    same = Said("tie", first_id=5, answer_id=None)
    assert whole([alone, *both, same], both_ways=True) == [*both, same]
    assert whole([alone], both_ways=False) == [alone]


def test_the_order_is_swapped_only_of_pairs_with_both_replies():
    said = [Said("first"), Said("first", False), Said("first", first_id=3)]
    found = swap_of(said)
    assert (found.cases, found.consistent.value) == (1, 1.0)
