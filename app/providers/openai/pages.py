"""A page of a list taken apart: each object's own text beside what it says.

Python's reader takes what others refuse, half a character or NaN among it: what one object holds
must not cost the others of its page.
"""

import json
import math
import re
from dataclasses import dataclass

import httpx2
import msgspec

from app.providers.base import ProviderError
from app.providers.openai.wire import Json, Wire, clean

LONGEST_PLAIN = 18  # digits: every whole number of so many can be kept
ESCAPE = "\\u"  # may name NUL or half a character


def _whole(digits: str) -> int | None:
    found = int(digits)
    return found if len(digits) <= LONGEST_PLAIN else clean(found)


def _real(digits: str) -> float | None:
    found = float(digits)
    return found if math.isfinite(found) else None


READER = json.JSONDecoder(parse_constant=lambda _: None, parse_int=_whole, parse_float=_real)
SPACE = re.compile(r"[ \t\n\r]*")
TEXT_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\n\r]+')


@dataclass(frozen=True, slots=True)
class Item:
    """An object as it stands on the page but for the space between its words, and read."""

    raw: bytes
    fields: Json


@dataclass(frozen=True, slots=True)
class Page:
    """The objects of a page, `rest` what it says besides."""

    items: list[Item]
    rest: Json


def read_page(wire: Wire, response: httpx2.Response) -> Page:
    """Raises ProviderError for a web page, broken JSON, or an answer without a list, which is not
    an empty one.
    """
    try:
        page = _page(response.content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise wire.no_data(response) from error
    if page is None:
        raise ProviderError(f"{wire.profile.label} answered without a list.")
    return page


def _page(text: str) -> Page | None:
    """None without a list under `data`. Raises ValueError where it is not JSON."""
    items: list[Item] | None = None
    rest: Json = {}
    at = _behind(text, 0, "{")
    while not text.startswith("}", at):
        name, at = READER.raw_decode(text, at)
        at = _behind(text, at, ":")
        if name == "data" and text.startswith("[", at):
            items, at = _items(text, at)
        else:
            found, at = READER.raw_decode(text, at)
            rest[str(name)] = clean(found)
        at = _next(text, at, "}")
    if SPACE.sub("", text[at + 1 :]):
        raise ValueError("More than a page.")
    return None if items is None else Page(items, rest)


def _items(text: str, at: int) -> tuple[list[Item], int]:
    """The objects of a list that begins at a place, and where it ends."""
    items, at = [], _behind(text, at, "[")
    while not text.startswith("]", at):
        found, end = READER.raw_decode(text, at)
        line = text[at:end]
        items.append(Item(_one_line(line), _fields(found, line)))
        at = _next(text, end, "]")
    return items, at + 1


def _fields(found: object, line: str) -> Json:
    """What a database can keep of an object. Numbers are fit for it as they were read, and going
    through all texts again takes as long as everything else together: only where one may be unfit.
    """
    if not isinstance(found, dict):
        return {}
    fields: Json = clean(found) if ESCAPE in line else found
    return fields


def _behind(text: str, at: int, mark: str) -> int:
    """Where the next word begins behind a mark that must be there."""
    at = _word(text, at)
    if not text.startswith(mark, at):
        raise ValueError(f"No {mark} at {at}.")
    return _word(text, at + 1)


def _next(text: str, at: int, end: str) -> int:
    """Where the next member begins, or the end mark is."""
    at = _word(text, at)
    return at if text.startswith(end, at) else _behind(text, at, ",")


def _word(text: str, at: int) -> int:
    found = SPACE.match(text, at)
    return found.end() if found else at


def _one_line(text: str) -> bytes:
    """The same JSON, letter by letter, without the space between its words."""
    try:
        return msgspec.json.format(text.encode(), indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return TEXT_OR_SPACE.sub(lambda found: found[1] or "", text).encode()
