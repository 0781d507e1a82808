"""The one list of formats, and recognising which of them a file is in."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.formats.base import Format, Unreadable
from app.formats.chat import Chat
from app.formats.reading import read_object

FORMATS: dict[str, Format] = {format_.name: format_ for format_ in (Chat(),)}


def format_of(value: Mapping[str, Any]) -> str | None:
    """The name of the format this row means to be in, or None."""
    return next((name for name, format_ in FORMATS.items() if format_.matches(value)), None)


def recognise(lines: Iterable[bytes]) -> str | None:
    """The format of the first line that is in one; lines that cannot be read are passed over."""
    for line in lines:
        try:
            value = read_object(line)
        except Unreadable:
            continue
        if (name := format_of(value)) is not None:
            return name
    return None
