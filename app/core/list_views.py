"""What the kit's table shows of a list beside its rows: heads, filters, pages beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from fastapi import Request

from app.core.keyset import Found, Place
from app.core.listing import Asked, Filter

Choices = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Head:
    """A column's head. `order` is ascending, descending, none, or empty where nothing sorts by it;
    `url` sorts by it, or turns the order round.
    """

    key: str
    words: str
    is_number: bool
    order: str
    url: str


@dataclass(frozen=True, slots=True)
class FilterField:
    """One filter as it is drawn: `kind` is text, set, named, pick, number, date or flag."""

    key: str
    words: str
    kind: str
    value: str
    values: frozenset[str]
    choices: Choices


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter at work, in words, and the same list without it."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class ListView:
    """A list as its address asks for it. `carried` and `kept` are what the filter's and the
    columns' forms send along. `shown` rows stand here, from `first` on, which is 0 where that is
    more than is counted, as `total` is None and more than `counted`. `elsewhere` are chosen ids
    that are not among the rows shown, `words` what the columns shown are called, by key. `is_part`
    where not all rows were looked through that a page may have.
    """

    path: str
    noun: str
    sort: str
    heads: tuple[Head, ...]
    columns: tuple[tuple[str, str, bool], ...]
    fields: tuple[FilterField, ...]
    chips: tuple[Chip, ...]
    carried: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...]
    first: int
    last: int
    shown: int
    total: int | None
    counted: int
    clear_url: str
    earlier_url: str | None
    later_url: str | None
    is_part: bool
    refresh_url: str
    chosen: frozenset[int]
    elsewhere: tuple[int, ...]
    can_choose: bool
    words: Mapping[str, str]


def list_view(
    request: Request,
    asked: Asked,
    found: Found,
    place: Place,
    *,
    options: Mapping[str, Choices] | None = None,
    can_choose: bool = False,
    path: str = "",
) -> ListView:
    """The list at the request's path, or at `path` where that is another. `options` are the
    choices that only the page knows.
    """
    path = path or request.scope["path"]
    fields = tuple(_fields(asked, options or {}))
    here = {"after": None, "before": None}
    ids = set(found.ids)

    def link(**changes: str | None) -> str:
        query = asked.query(**changes)
        return f"{path}?{urlencode(query)}" if query else path

    return ListView(
        path=path,
        noun=asked.table.noun,
        sort=asked.sort_words or asked.table.start,
        heads=tuple(
            Head(
                column.key,
                column.words,
                column.is_number,
                _order(asked, column.key),
                link(sort=_next_sort(asked, column.key), **here) if column.by is not None else "",
            )
            for column in asked.table.columns
            if asked.shows(column.key)
        ),
        columns=tuple(
            (column.key, column.words, asked.shows(column.key))
            for column in asked.table.columns
            if not column.is_kept
        ),
        fields=fields,
        chips=tuple(
            Chip(_said(one), link(**{one.key: None}, **here)) for one in fields if one.value
        ),
        carried=_pairs(asked, *here, *(one.key for one in fields)),
        kept=_pairs(asked, "column"),
        first=place.first,
        last=place.first + len(found.ids) - 1 if place.first else 0,
        shown=len(found.ids),
        total=place.total,
        counted=place.counted,
        clear_url=link(**dict.fromkeys(one.key for one in fields), **here),
        earlier_url=link(after=None, before=str(found.before))
        if found.before is not None
        else None,
        later_url=link(before=None, after=str(found.after)) if found.after is not None else None,
        is_part=found.edges is not None,
        refresh_url=link(),
        chosen=frozenset(asked.chosen),
        elsewhere=tuple(one for one in asked.chosen if one not in ids),
        can_choose=can_choose,
        words={
            column.key: column.words for column in asked.table.columns if asked.shows(column.key)
        },
    )


def _order(asked: Asked, key: str) -> str:
    if asked.table.column(key).by is None:
        return ""
    if asked.sort is None or asked.sort.key != key:
        return "none"
    return "descending" if asked.is_down else "ascending"


def _next_sort(asked: Asked, key: str) -> str:
    """What a press on the head asks for: the other way round where it sorts already."""
    is_now = asked.sort is not None and asked.sort.key == key
    is_down = not asked.is_down if is_now else asked.table.column(key).is_down
    return replace(asked, sort=asked.table.column(key), is_down=is_down).sort_words


def _fields(asked: Asked, options: Mapping[str, Choices]) -> Iterator[FilterField]:
    for one in asked.table.filters:
        value = asked.filters.get(one.key, "")
        is_set = one.kind in {"set", "named"}
        values = frozenset(value.split(",")) if is_set and value else frozenset({value})
        yield FilterField(
            one.key, one.words, one.kind, value, values, _choices(one, options, value)
        )


def _choices(one: Filter, options: Mapping[str, Choices], value: str) -> Choices:
    choices = tuple(options.get(one.key, one.choices))
    is_known = not value or one.kind != "pick" or any(value == key for key, _ in choices)
    return choices if is_known else ((value, value), *choices)


def _said(one: FilterField) -> str:
    if one.kind == "flag":
        return one.words
    if one.kind in {"set", "named", "pick"}:
        chosen = [words for key, words in one.choices if key in one.values]
        return f"{one.words}: {', '.join(chosen)}"
    return f"{one.words}: {one.value}"


def _pairs(asked: Asked, *left_out: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in asked.query().items() if key not in left_out)
