"""Pages of a version's rows and findings in any of their orders, by seeks alone.

Twenty million rows are never sorted or counted while somebody waits: those that agree in what is
filtered by stand on one shelf of the index, in order, and a page is merged from a few shelves.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.core.errors import WrongInput
from app.core.keyset import MOST_COUNTED, Found, Place
from app.core.listing import Asked


@dataclass(frozen=True, slots=True)
class Shelf:
    """Entries that agree in `values`. Those of a lower rank come first, whatever is sorted by.
    `table` is where they stand, if not where the others do.
    """

    values: tuple[int | str, ...]
    count: int
    rank: int = 0
    table: str = ""


class Between(NamedTuple):
    """A stretch of an order, both ends in it."""

    low: int
    high: int


class Spot(NamedTuple):
    """Where an entry stands in an order."""

    rank: int
    value: int
    id: int


class Shelves:
    """Some shelves of one table of an index, in one order: `by` is a column, or the `key` itself;
    of each only what lies `between` two of its values.

    Names of tables and columns are ours; what people send is bound, or a whole number.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        table: str,
        key: str,
        columns: Sequence[str],
        shelves: Iterable[Shelf],
        by: str,
        *,
        between: Between | None = None,
    ) -> None:
        self.connection, self.table, self.key, self.by = connection, table, key, by
        self.columns, self.shelves = columns, tuple(shelves)
        self.between = between
        conditions = [f"{column} = ?" for column in columns]
        if between is not None:
            low, high = int(between.low), int(between.high)
            conditions += [f"{by} >= {low}", f"{by} <= {high}"]
        self._where = " AND ".join(conditions) or "1"

    def page(self, asked: Asked, *, limit: int) -> Found:
        """The ids of the page asked for, and whether there are pages beside it. Raises WrongInput
        when the row it begins behind is not there.
        """
        if asked.before is not None:
            last = self._spot("before", asked.before)
            found = self._first(last, limit + 1, is_down=not asked.is_down)
            return Found(found[:limit][::-1], len(found) > limit, has_later=True)
        edge = None if asked.after is None else self._spot("after", asked.after)
        found = self._first(edge, limit + 1, is_down=asked.is_down)
        return Found(found[:limit], edge is not None, len(found) > limit)

    def place(self, found: Found, *, is_down: bool) -> Place:
        """Which of how many the page begins with."""
        total = self._total()
        if total is None:
            return Place(0, None)
        if not found.ids or not found.has_earlier:
            return Place(1 if found.ids else 0, total)
        if not self.columns and self.by == self.key:  # all of them, and they are numbered
            return Place(total + 1 - found.ids[0] if is_down else found.ids[0], total)
        ahead = self._ahead(self._spot("after", found.ids[0]), is_down=is_down)
        return Place(0 if ahead > MOST_COUNTED else ahead + 1, total)

    def _total(self) -> int | None:
        """How many there are; None where that is more than is worth counting."""
        if self.between is None:
            return sum(shelf.count for shelf in self.shelves)
        total = 0
        for shelf in self.shelves:
            total += self._count(shelf, "", (), MOST_COUNTED + 1 - total)
        return None if total > MOST_COUNTED else total

    def _spot(self, name: str, entry_id: int) -> Spot:
        if self.by == self.key and not any(shelf.rank for shelf in self.shelves):
            return Spot(0, entry_id, entry_id)  # its number says where it stands
        names = ", ".join((self.by, *self.columns))
        query = f"SELECT {names} FROM {self.table} WHERE {self.key} = ?"  # noqa: S608
        row = self.connection.execute(query, (entry_id,)).fetchone()
        if row is None:
            raise WrongInput.field(name, "There is no such row. Begin again with the first page.")
        value, *shelf = row
        ranks = (one.rank for one in self.shelves if one.values == tuple(shelf))
        return Spot(next(ranks, 0), value, entry_id)

    def _first(self, edge: Spot | None, limit: int, *, is_down: bool) -> list[int]:
        """The ids that come first behind the edge."""
        spots: list[Spot] = []
        for shelf in self.shelves:
            for where, values in self._behind(shelf, edge, is_down=is_down):
                spots += self._read(shelf, where, values, limit, is_down=is_down)
        return [spot.id for spot in sorted(spots, reverse=is_down)[:limit]]

    def _ahead(self, edge: Spot, *, is_down: bool) -> int:
        """How many stand before the edge, as far as it is worth counting."""
        ahead = 0
        for shelf in self.shelves:
            for where, values in self._behind(shelf, edge, is_down=not is_down):
                ahead += self._count(shelf, where, values, MOST_COUNTED + 1 - ahead)
        return ahead

    def _behind(
        self, shelf: Shelf, edge: Spot | None, *, is_down: bool
    ) -> Iterator[tuple[str, tuple[int, ...]]]:
        """What of a shelf comes behind the edge: ranges of its order, each one seek."""
        further = "<" if is_down else ">"
        if edge is None or shelf.rank != edge.rank:
            if edge is None or (shelf.rank < edge.rank) == is_down:
                yield "", ()
        elif self.by == self.key:
            yield f" AND {self.key} {further} ?", (edge.id,)
        else:
            yield f" AND {self.by} = ? AND {self.key} {further} ?", (edge.value, edge.id)
            yield f" AND {self.by} {further} ?", (edge.value,)

    def _read(
        self, shelf: Shelf, where: str, values: Sequence[int], limit: int, *, is_down: bool
    ) -> list[Spot]:
        turn = "DESC" if is_down else "ASC"
        order = self.key if self.by == self.key else f"{self.by} {turn}, {self.key}"
        found = self.connection.execute(
            f"SELECT {self.by}, {self.key} FROM {shelf.table or self.table} "  # noqa: S608
            f"WHERE {self._where}{where}"
            f" ORDER BY {order} {turn} LIMIT ?",
            (*shelf.values, *values, limit),
        )
        return [Spot(shelf.rank, value, entry_id) for value, entry_id in found]

    def _count(self, shelf: Shelf, where: str, values: Sequence[int], limit: int) -> int:
        table = shelf.table or self.table
        inner = f"SELECT 1 FROM {table} WHERE {self._where}{where} LIMIT ?"  # noqa: S608
        query = f"SELECT count(*) FROM ({inner})"  # noqa: S608
        (count,) = self.connection.execute(query, (*shelf.values, *values, limit)).fetchone()
        return int(count)
