"""Pages of a sorted list by what stands at their edge, never by counting rows over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.errors import WrongInput
from app.core.listing import Asked

MOST_COUNTED = 20_000


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of one page, in order, and whether there are pages beside it. These begin at its
    first and last id, or at `edges` where looking through took too long for a whole page.
    """

    ids: Sequence[int]
    has_earlier: bool
    has_later: bool
    edges: tuple[int, int] | None = None

    @property
    def before(self) -> int | None:
        """What the page before this one ends before; None: there is none."""
        at = self.edges[0] if self.edges else next(iter(self.ids), None)
        return at if self.has_earlier else None

    @property
    def after(self) -> int | None:
        """What the page after this one begins after; None: there is none."""
        at = self.edges[1] if self.edges else next(reversed(self.ids), None)
        return at if self.has_later else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands: `first` counts from 1, 0 beyond what is worth counting; `total` is None
    there, and more than `counted`.
    """

    first: int
    total: int | None
    counted: int = MOST_COUNTED


class Order:
    """The order of a list: a value, the unknown ones last whichever way, ties by id.

    SQLite and PostgreSQL disagree about where NULL belongs, so it is said each time.
    """

    def __init__(self, asked: Asked) -> None:
        by: SQLColumnExpression[Any] | None = None if asked.sort is None else asked.sort.by
        self.row_id: SQLColumnExpression[int] = asked.table.row_id
        self.is_down = asked.is_down
        self.by = None if by is None or by is self.row_id else by
        # PostgreSQL reads an index backwards only where nothing is said of NULLs.
        self.is_always_known = isinstance(by, InstrumentedAttribute) and not by.expression.nullable

    def clauses(self, *, is_reversed: bool = False) -> list[ColumnElement[Any]]:
        """ORDER BY, as asked for or from the other end."""
        is_down = self.is_down is not is_reversed
        ties = self.row_id.desc() if is_down else self.row_id.asc()
        if self.by is None:
            return [ties]
        value = self.by.desc() if is_down else self.by.asc()
        if self.is_always_known:
            return [value, ties]
        return [value.nulls_first() if is_reversed else value.nulls_last(), ties]

    def behind(self, row_id: int, value: Any) -> ColumnElement[bool]:
        """The rows that come after this one."""
        later_id = self.row_id < row_id if self.is_down else self.row_id > row_id
        if self.by is None:
            return later_id
        if value is None:
            return and_(self.by.is_(None), later_id)
        further = self.by < value if self.is_down else self.by > value
        unknown = false() if self.is_always_known else self.by.is_(None)
        return or_(further, and_(self.by == value, later_id), unknown)

    def ahead(self, row_id: int, value: Any) -> ColumnElement[bool]:
        """The rows that come before this one."""
        earlier_id = self.row_id > row_id if self.is_down else self.row_id < row_id
        if self.by is None:
            return earlier_id
        if value is None:
            return or_(self.by.is_not(None), and_(self.by.is_(None), earlier_id))
        nearer = self.by > value if self.is_down else self.by < value
        return or_(nearer, and_(self.by == value, earlier_id))


def page_of(session: Session, fenced: Select[int], asked: Asked, *, limit: int) -> Found:
    """At most `limit` ids of the page asked for. `fenced` selects every id the reader may see.

    Raises WrongInput when the row a sorted page begins behind is no longer there.
    """
    order, query = Order(asked), fenced.where(*asked.where)
    if asked.before is not None:
        edge = _value_of(session, fenced, order, "before", asked.before)
        query = query.where(order.ahead(asked.before, edge))
        found = _ids(session, query.order_by(*order.clauses(is_reversed=True)), limit + 1)
        return Found(found[:limit][::-1], len(found) > limit, has_later=True)
    if asked.after is not None:
        edge = _value_of(session, fenced, order, "after", asked.after)
        query = query.where(order.behind(asked.after, edge))
    found = _ids(session, query.order_by(*order.clauses()), limit + 1)
    return Found(found[:limit], asked.after is not None, len(found) > limit)


def place_of(session: Session, fenced: Select[int], asked: Asked, found: Found) -> Place:
    """How many rows match, and which of them the page begins with."""
    is_ahead: ColumnElement[bool] = false()
    if found.ids and not (asked.after is None and asked.before is None):
        order, first = Order(asked), found.ids[0]
        is_ahead = order.ahead(first, _value_of(session, fenced, order, "after", first))
    # Nothing but a constant may be selected, of a table nothing names: it must stay in FROM.
    matching = fenced.where(*asked.where).with_only_columns(
        is_ahead.label("is_ahead"), maintain_column_froms=True
    )
    counted = matching.order_by(None).limit(MOST_COUNTED + 1).subquery()
    # Both in one look: the rows of a long list are what takes the time.
    numbers = select(func.count(), func.count().filter(counted.c.is_ahead)).select_from(counted)
    total, ahead = session.execute(numbers).one()
    if total > MOST_COUNTED:
        return Place(0, None)
    return Place(ahead + 1 if found.ids else 0, total)


def _ids(session: Session, query: Select[int], limit: int) -> list[int]:
    return list(session.scalars(query.limit(limit)))


def _value_of(session: Session, fenced: Select[int], order: Order, name: str, row_id: int) -> Any:
    if order.by is None:
        return None
    query = fenced.with_only_columns(order.by).where(order.row_id == row_id)
    row = session.execute(query).first()
    if row is None:
        raise WrongInput.field(name, "That row is gone. Begin again with the first page.")
    return row[0]
