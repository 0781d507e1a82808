"""A list that can be sorted, filtered and chosen from: declared once, asked for by its address."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import ColumnElement, SQLColumnExpression, or_

from app.core.errors import WrongInput
from app.core.forms import is_storable

MOST_CHOSEN = 200
LONGEST = 200
FURTHEST = 2**53 - 1
NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)
DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", re.ASCII)
OURS = ("sort", "column", "chosen", "after", "before", "limit", "told")


@dataclass(frozen=True)
class Column:
    """One column of a table. `by` is what its rows are sorted by, an expression of the database or
    a name in a dataset's index; without it there is no order.

    `is_down` has the first click put the largest first; `is_kept` columns cannot be put away,
    `is_extra` ones are shown once somebody asks for them.
    """

    key: str
    words: str
    by: Any = None
    is_number: bool = False
    is_down: bool = False
    is_kept: bool = False
    is_extra: bool = False


@dataclass(frozen=True)
class Filter:
    """One question a list can be asked. `parse` makes a value of its text or raises ValueError with
    words; `where` makes a condition of the value, of the kind its list is fetched with. `otherwise`
    holds while nobody asks.

    `kind` is how it is drawn: text, set, named (a set whose words are somebody's), pick, number,
    date or flag. `choices` are (value, words).
    """

    key: str
    words: str
    kind: str
    parse: Callable[[str], Any]
    where: Callable[[Any], Any]
    choices: tuple[tuple[str, str], ...] = ()
    otherwise: ColumnElement[bool] | None = None


@dataclass(frozen=True)
class Asked:
    """What an address asks of a list, checked: only what the table declares is in it."""

    table: "Table"
    sort: Column | None
    is_down: bool
    filters: Mapping[str, str] = field(default_factory=dict)
    where: tuple[Any, ...] = ()
    columns: tuple[str, ...] = ()
    after: int | None = None
    before: int | None = None
    chosen: tuple[int, ...] = ()
    told: str = ""

    def query(self, **changes: str | None) -> dict[str, str]:
        """The address's own words, with changes; what is as it would be anyway is left out."""
        words: dict[str, str | None] = {
            **self.filters,
            "sort": self.sort_words,
            "column": ",".join(self.columns),
            "chosen": ",".join(map(str, self.chosen)),
            "after": None if self.after is None else str(self.after),
            "before": None if self.before is None else str(self.before),
            **changes,
        }
        return {key: value for key, value in words.items() if value}

    @property
    def sort_words(self) -> str:
        """How the address says the order; empty for the list's own."""
        if self.sort is None:
            return ""
        words = f"-{self.sort.key}" if self.is_down else self.sort.key
        return "" if words == self.table.start else words

    def shows(self, key: str) -> bool:
        """True when the column is to be drawn."""
        column = self.table.column(key)
        return column.is_kept or (key in self.columns if self.columns else not column.is_extra)


@dataclass(frozen=True)
class Table:
    """A list: its columns and filters, and the order it starts with (`-key` is the largest first).

    `row_id` breaks ties and is the cursor of the pages. `beside` are words of its page's address
    that ask something else.
    """

    noun: str
    row_id: Any
    columns: tuple[Column, ...]
    filters: tuple[Filter, ...]
    start: str
    beside: tuple[str, ...] = ()

    def column(self, key: str) -> Column:
        """The column of this key."""
        return next(column for column in self.columns if column.key == key)

    def read(self, request: Request) -> Asked:
        """What the request asks for. Raises WrongInput, naming the word and what it may be: a list
        that quietly left out a filter would look like an answer.
        """
        given = _gathered(request.query_params.multi_items())
        known = {one.key: one for one in self.filters}
        if strange := given.keys() - known.keys() - {*OURS, *self.beside}:
            has = f"It has: {', '.join(known)}." if known else "It has none."
            raise WrongInput.field(min(strange)[:40], f"No filter of this list is called so. {has}")
        sort, is_down = self._order(given.get("sort", ""))
        filters = {key: value for key, value in given.items() if key in known}
        return Asked(
            self,
            sort,
            is_down,
            filters,
            tuple(_conditions(self.filters, filters)),
            self._columns(given.get("column", "")),
            _number("after", given.get("after")),
            _number("before", given.get("before")),
            chosen_in(given.get("chosen", "")),
            given.get("told", ""),
        )

    def _order(self, words: str) -> tuple[Column | None, bool]:
        words = words or self.start
        ordered = {column.key: column for column in self.columns if column.by is not None}
        found = ordered.get(words.removeprefix("-"))
        if found is None:
            names = ", ".join(ordered)
            raise WrongInput.field(
                "sort", f"One of: {names}; with a minus before it the largest comes first."
            )
        return found, words.startswith("-")

    def _columns(self, words: str) -> tuple[str, ...]:
        asked = set(filter(None, words.split(",")))
        names = [column.key for column in self.columns]
        if asked - set(names):
            raise WrongInput.field("column", f"One or more of: {', '.join(names)}.")
        usual = {column.key for column in self.columns if not column.is_extra}
        kept = {column.key for column in self.columns if column.is_kept}
        return () if asked | kept == usual else tuple(key for key in names if key in asked)

    @property
    def openapi(self) -> dict[str, Any]:
        """The list's words for the API's description."""
        sorts = [column.key for column in self.columns if column.by is not None]
        said = {
            "sort": f"{', '.join(sorts)}; with a minus the largest first. Usual: {self.start}.",
            "after": "The `next` of the page before this one.",
            **{one.key: _described(one) for one in self.filters},
        }
        return {
            "parameters": [
                {"name": name, "in": "query", "description": words, "schema": {"type": "string"}}
                for name, words in said.items()
            ]
        }


def _described(one: Filter) -> str:
    values = ", ".join(value for value, _ in one.choices)
    return f"{one.words}: {values}" if values else one.words


def _gathered(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each word once; the boxes of a form that is sent without script come one by one."""
    given: dict[str, str] = {}
    for key, raw in items:
        value = raw.strip()
        if len(value) > (LONGEST if key not in {"chosen", "column"} else 20 * LONGEST):
            raise WrongInput.field(key[:40], f"At most {LONGEST} characters.")
        if not is_storable(value):
            raise WrongInput.field(key[:40], "This holds a character that cannot be stored.")
        if value:
            given[key] = f"{given[key]},{value}" if key in given else value
    return given


def _conditions(filters: Iterable[Filter], given: Mapping[str, str]) -> Iterable[Any]:
    for one in filters:
        if one.key in given:
            try:
                yield one.where(one.parse(given[one.key]))
            except ValueError as error:
                raise WrongInput.field(one.key, str(error)) from error
        elif one.otherwise is not None:
            yield one.otherwise


def _number(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not NUMBER.fullmatch(text) or int(text) > FURTHEST:
        raise WrongInput.field(name, "A whole number is needed, as a page's own links have it.")
    return int(text)


def chosen_in(text: str) -> tuple[int, ...]:
    """The ids of `3,17,4`, each once. Raises WrongInput."""
    parts = [part for part in text.split(",") if part]
    if len(parts) > MOST_CHOSEN:
        raise WrongInput.field("chosen", f"At most {MOST_CHOSEN} at once.")
    return tuple(dict.fromkeys(number for part in parts if (number := _number("chosen", part))))


def contains(key: str, words: str, *columns: SQLColumnExpression[str]) -> Filter:
    """Text anywhere in one of the columns, whatever its capitals; `%` and `_` are letters."""

    def where(text: str) -> ColumnElement[bool]:
        return or_(*(column.icontains(text, autoescape=True) for column in columns))

    return Filter(key, words, "text", str, where)


def one_of(
    key: str, words: str, column: SQLColumnExpression[str], choices: Iterable[tuple[str, str]]
) -> Filter:
    """One or more of a few fixed values."""
    return among(key, words, choices, column.in_)


def among(
    key: str, words: str, choices: Iterable[tuple[str, str]], where: Callable[[list[str]], Any]
) -> Filter:
    """One or more of a few fixed values, whatever they mean."""
    known = tuple(choices)

    def parse(text: str) -> list[str]:
        values = text.split(",")
        if set(values) - {value for value, _ in known}:
            raise ValueError(f"One or more of: {', '.join(value for value, _ in known)}.")
        return values

    return Filter(key, words, "set", parse, where, known)


def by_id(key: str, words: str, where: Callable[[int], ColumnElement[bool]]) -> Filter:
    """The things that belong to one other thing; its page brings the choices."""

    def parse(text: str) -> int:
        if not NUMBER.fullmatch(text) or int(text) > FURTHEST:
            raise ValueError("An id is needed: a whole number.")
        return int(text)

    return Filter(key, words, "pick", parse, where)


def is_text(key: str, words: str, column: SQLColumnExpression[str]) -> Filter:
    """Exactly this text; its page brings the choices."""
    return Filter(key, words, "pick", str, lambda text: column == text)


def since(key: str, words: str, column: SQLColumnExpression[datetime]) -> Filter:
    """From the beginning of a day on, in UTC."""

    def parse(text: str) -> datetime:
        try:
            day = date.fromisoformat(text if DAY.fullmatch(text) else "")
        except ValueError as error:
            raise ValueError("A day is needed, like 2026-04-30.") from error
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    return Filter(key, words, "date", parse, lambda moment: column >= moment)


def put_away(column: SQLColumnExpression[datetime | None]) -> Filter:
    """The archived ones instead of the others."""

    def parse(text: str) -> bool:
        if text != "yes":
            raise ValueError("yes, or left out.")
        return True

    return Filter(
        "archived",
        "Archived",
        "flag",
        parse,
        lambda _: column.is_not(None),
        (("yes", "archived"),),
        otherwise=column.is_(None),
    )
