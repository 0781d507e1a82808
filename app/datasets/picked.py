"""Pages of rows that are few enough to be held: those that one rule has found."""

from collections.abc import Iterable

from app.core.errors import WrongInput
from app.core.keyset import Found, Place
from app.core.listing import Asked


class Picked:
    """Rows in one order, each as what it is sorted by and its number."""

    def __init__(self, spots: Iterable[tuple[int, int]]) -> None:
        self.ids = [n for _, n in sorted(spots)]

    def page(self, asked: Asked, *, limit: int) -> Found:
        """The ids of the page asked for, and whether there are pages beside it. Raises WrongInput
        when the row it begins behind is not there.
        """
        ids = self.ids[::-1] if asked.is_down else self.ids
        if asked.before is not None:
            end = _place(ids, "before", asked.before)
            first = max(end - limit, 0)
            return Found(ids[first:end], first > 0, has_later=True)
        first = 0 if asked.after is None else _place(ids, "after", asked.after) + 1
        return Found(ids[first : first + limit], first > 0, len(ids) > first + limit)

    def place(self, found: Found, *, is_down: bool) -> Place:
        """Which of how many the page begins with."""
        if not found.ids:
            return Place(0, len(self.ids))
        at = self.ids.index(found.ids[0])
        return Place(len(self.ids) - at if is_down else at + 1, len(self.ids))


def _place(ids: list[int], name: str, row: int) -> int:
    try:
        return ids.index(row)
    except ValueError:
        raise WrongInput.field(name, "That row is not in this list. Begin again.") from None
