"""The one list of formats, and recognising which of them a file is in."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from app.formats.base import Format, JsonObject, Unreadable
from app.formats.chat import Chat
from app.formats.completion import Completion
from app.formats.evaluation import Evaluation
from app.formats.preference import Preference
from app.formats.reading import BOM, read_object
from app.formats.reinforcement import Reinforcement

_ENOUGH_ROWS = 20
# The first that matches a row has it: chat takes every row with messages.
FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (Preference(), Completion(), Evaluation(), Reinforcement(), Chat())
}


def format_of(value: Mapping[str, Any]) -> str | None:
    """The name of the format this row means to be in, or None."""
    return next((name for name, format_ in FORMATS.items() if format_.matches(value)), None)


def first_rows(head: bytes, most: int = _ENOUGH_ROWS) -> list[JsonObject]:
    """The first rows of a file that begins with these bytes: whole lines that can be read."""
    rows: list[JsonObject] = []
    for line in head.removeprefix(BOM).split(b"\n", 10 * most):
        with suppress(Unreadable):
            rows.append(read_object(line))
        if len(rows) == most:
            break
    return rows


def recognise(rows: Iterable[JsonObject]) -> str | None:
    """The format most of these rows are in; of two the first met."""
    votes = Counter(name for row in rows if (name := format_of(row)) is not None)
    return votes.most_common(1)[0][0] if votes else None
