"""In which order a person sees the items of a round, and which are left for them; pure."""

from collections.abc import Collection, Mapping
from random import Random


def repeatable(*of: object) -> Random:
    """What seems like chance and is the same whenever it is asked for of the same."""
    return Random(":".join(map(str, of)))  # noqa: S311 - guards nothing


def order_of(seed: int, user_id: int, items: int) -> list[int]:
    """The numbers of all items as this person sees them: the same whenever they come back."""
    numbers = list(range(1, items + 1))
    repeatable("order", seed, user_id).shuffle(numbers)
    return numbers


def is_swapped(seed: int, user_id: int, number: int) -> bool:
    """Whether this person sees the first contestant of a duel on the right."""
    return repeatable("side", seed, user_id, number).random() < 0.5  # noqa: PLR2004


def left_for(
    order: list[int], said: Collection[int], by_others: Mapping[int, int], per_item: int
) -> list[int]:
    """What is still to be graded by somebody who has `said` these: all that not enough others have
    graded, counted in `by_others`.
    """
    return [
        number for number in order if number not in said and by_others.get(number, 0) < per_item
    ]
