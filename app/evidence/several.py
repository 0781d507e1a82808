"""Many questions asked of the same cases: Benjamini and Hochberg's adjustment."""

from collections.abc import Sequence


def adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """Each p as it counts among all: taking those up to 5 % as shown, at most one in twenty of them
    is by chance (J. R. Stat. Soc. B 57, 1995). What was not tested stays None and counts for none.
    """
    tested = [(p, place) for place, p in enumerate(p_values) if p is not None]
    found: list[float | None] = [None] * len(p_values)
    lowest = 1.0
    for rank, (p, place) in sorted(enumerate(sorted(tested), start=1), reverse=True):
        lowest = min(lowest, p * (len(tested) / rank))
        found[place] = lowest
    return found
