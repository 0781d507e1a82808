"""Which cases people are asked; pure."""

import random
from collections.abc import Mapping, Sequence
from typing import Any


def drawn(cases: int, asked: Mapping[str, Any]) -> Sequence[int] | None:
    """The numbers of so many of the cases as `asked` says, the same for its seed; None is all."""
    wanted = asked["cases"]
    if wanted is None or wanted >= cases:
        return None
    draw = random.Random(asked["seed"])  # noqa: S311 - a sample
    return draw.sample(range(1, cases + 1), wanted)
