"""What the pages of collections show."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.auth.models import User
from app.collections.listing import KINDS
from app.collections.models import Collection, CollectionRow, Kind
from app.core.list_views import ListView
from app.core.views import FormState
from app.datasets.rows import RAW_LENGTH, row_value
from app.formats.drawn import Answer, Drawn, Field, Turn
from app.formats.registry import FORMATS
from app.projects.views import initials


@dataclass(frozen=True, slots=True)
class OriginView:
    """The collection that a dataset is made from; no name where there is none."""

    id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class CollectionLine:
    """A collection in the list. `dataset` is the name of what was made of it."""

    id: int
    name: str
    kind: str
    rows: int
    dataset: str | None
    by: str
    by_initials: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    """`form` is the one for a new collection (fields: name, format); `kinds` are (value, words)."""

    project_id: int
    collections: tuple[CollectionLine, ...]
    list: ListView
    has_any: bool
    can_edit: bool
    kinds: tuple[tuple[str, str], ...]
    form: FormState


@dataclass(frozen=True, slots=True)
class RowCard:
    """A row drawn as its format is, or `raw` where that does not show it. `conversation_id` is one
    that the reader can likely open: they saved the row from it.
    """

    id: int
    turns: tuple[Turn, ...]
    answers: tuple[Answer, ...]
    fields: tuple[Field, ...]
    tools: tuple[str, ...]
    raw: str | None
    origin: str
    conversation_id: int | None
    by: str
    by_initials: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class ShowView:
    """A collection with a page of its rows. `dataset` is (newest version's id, name, number) of
    what was made of it, `removed_id` a row that was just taken out; `form` gives another name.
    """

    project_id: int
    collection_id: int
    name: str
    kind: str
    by: str
    created_at: datetime
    rows: int
    cards: tuple[RowCard, ...]
    list: ListView
    dataset: tuple[int, str, int] | None
    removed_id: int | None
    can_edit: bool
    form: FormState


def line(collection: Collection, rows: Mapping[int, int]) -> CollectionLine:
    """A collection in the list; `rows` are counts by collection."""
    by = name_of(collection.creator)
    return CollectionLine(
        collection.id,
        collection.name,
        KINDS[Kind(collection.format)],
        rows.get(collection.id, 0),
        collection.dataset.name if collection.dataset else None,
        by,
        initials(by),
        collection.changed_at,
    )


def card(row: CollectionRow, format_: str, user: User) -> RowCard:
    """A row as this person sees it."""
    value = row_value(row.line.encode())
    drawn = FORMATS[format_].draw(value) if value is not None else Drawn()
    by = name_of(row.creator)
    return RowCard(
        row.id,
        drawn.turns,
        drawn.answers,
        drawn.fields,
        drawn.tools,
        row.line[:RAW_LENGTH] if drawn == Drawn() else None,
        row.origin,
        row.conversation_id if row.created_by == user.id else None,
        by,
        initials(by),
        row.created_at,
    )


def name_of(person: User | None) -> str:
    """Who it was."""
    return person.name if person else "someone who left"
