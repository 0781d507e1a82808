"""The calendar as a list: what it can be sorted and filtered by. Its rows are worked out, not
stored, so that sorting and pages happen here.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from app.catalog.stopping import StopDate
from app.core.errors import WrongInput
from app.core.keyset import Found, Place
from app.core.listing import Asked, Column, Filter, Table, among

KINDS = {
    "base_model": "base model",
    "tuned_model": "tuned model",
    "deployment": "deployment",
    "training": "new jobs",
    "platform": "platform",
}
Row = tuple[int, StopDate]


def _holds(text: str) -> Callable[[StopDate], bool]:
    words = text.casefold()
    return lambda stop: any(
        words in one.casefold()
        for one in (stop.name, stop.base_model or "", stop.connection, stop.source)
    )


def _connection(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError("An id is needed: a whole number.")
    return int(text[:16])


def _yes(text: str) -> bool:
    if text != "yes":
        raise ValueError("yes, or left out.")
    return True


CALENDAR = Table(
    noun="date",
    row_id=None,
    columns=(
        Column("day", "Stops", lambda stop: stop.day, is_kept=True),
        Column("name", "What", lambda stop: stop.name.casefold(), is_kept=True),
        Column("hangs", "Hangs on it", lambda stop: len(stop.depends), is_down=True),
        Column("elsewhere", "The same elsewhere"),
        Column("source", "Who says so", lambda stop: (stop.read_on, stop.source)),
    ),
    filters=(
        Filter("q", "Name, base model or source", "text", str, _holds),
        among("kind", "Kind", KINDS.items(), lambda chosen: lambda stop: stop.kind in set(chosen)),
        Filter(
            "connection",
            "Connection",
            "pick",
            _connection,
            lambda value: lambda stop: stop.connection_id == value,
        ),
        Filter(
            "past",
            "Stopped already",
            "flag",
            _yes,
            lambda _: lambda _stop: True,
            (("yes", "stopped already"),),
        ),
    ),
    start="day",
)


def matching(stops: Sequence[StopDate], asked: Asked) -> list[Row]:
    """The rows that the address asks for, numbered by their place in the whole calendar, in the
    order asked for; ties as the calendar has them.
    """
    rows = [(n, stop) for n, stop in enumerate(stops, 1) if all(fits(stop) for fits in asked.where)]
    by: Callable[[StopDate], Any] = asked.sort.by if asked.sort else lambda stop: stop.day
    return sorted(rows, key=lambda row: by(row[1]), reverse=asked.is_down)


def page_of_rows(rows: Sequence[Row], asked: Asked, *, limit: int) -> tuple[Found, Place]:
    """A page of the rows. Raises WrongInput when the row it begins behind is no longer there."""
    ids = [number for number, _ in rows]
    first = 0
    if asked.after is not None:
        first = _place(ids, "after", asked.after) + 1
    elif asked.before is not None:
        first = max(0, _place(ids, "before", asked.before) - limit)
    shown = ids[first : first + limit]
    found = Found(shown, has_earlier=first > 0, has_later=first + limit < len(ids))
    return found, Place(first + 1 if shown else 0, len(ids))


def _place(ids: Sequence[int], name: str, number: int) -> int:
    if number not in ids:
        raise WrongInput.field(name, "That row is gone. Begin again with the first page.")
    return ids.index(number)


def split_at(stops: Sequence[StopDate], today: date) -> tuple[list[StopDate], list[StopDate]]:
    """What is still to come, and what has stopped."""
    coming = [one for one in stops if one.day >= today]
    return coming, [one for one in stops if one.day < today]


def is_past(asked: Asked) -> bool:
    """Whether what has stopped is asked for, instead of what is to come."""
    return "past" in asked.filters
