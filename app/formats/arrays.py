"""The elements of one JSON array, as long as it may be, in memory for one of them at a time."""

from collections.abc import Callable, Iterator
from json import JSONDecodeError

from app.formats.base import Finding, Unreadable
from app.formats.reading import decode_from, skip_spaces

_STRAY = 16  # characters by which an element that is cut off may fail before the end


def elements(read: Callable[[int], str], limit: int) -> Iterator[object]:
    """Each element of the array that the text begins with; `read` gives so many characters more of
    it, none at its end. Raises Unreadable where it is no array, and for an element longer than
    `limit` characters.
    """
    text, at = _at_least_one("", 0, read)
    if text[at : at + 1] != "[":
        raise _broken("The file is not a list.")
    at, number = at + 1, 0
    while True:
        text, at = _at_least_one(text, at, read)
        if number == 0 and text[at : at + 1] == "]":
            break
        number += 1
        text, at, value = _element(text, at, number, read, limit)
        yield value
        text, at = _at_least_one(text, at, read)
        if text[at : at + 1] == "]":
            break
        if text[at : at + 1] != ",":
            raise _broken(f"After element {number:,} of the list stands no comma.")
        at += 1
    text, at = _at_least_one(text, at + 1, read)
    if text[at:]:
        raise _broken(f"After the list of {number:,} elements more text follows.")


def _element(
    text: str, at: int, number: int, read: Callable[[int], str], limit: int
) -> tuple[str, int, object]:
    """The element that begins at `at`; the text from which the next one is read, and where."""
    while True:
        try:
            value, end = decode_from(text, at)
        except JSONDecodeError as error:
            is_cut = error.pos >= len(text) - _STRAY or error.msg.startswith("Unterminated")
            if len(text) - at > limit:
                raise _broken(f"Element {number:,} of the list is too long to be a row.") from None
            more = read(max(len(text) - at, limit // 64)) if is_cut else ""
            if not more:
                said = f"{error.msg[:1].lower()}{error.msg[1:]}"
                raise _broken(f"Element {number:,} of the list is not JSON: {said}.") from None
            text, at = text[at:] + more, 0
        except Unreadable as error:
            raise _broken(f"Element {number:,} of the list: {error.finding.reason}") from None
        else:
            if end < len(text) or not (more := read(limit // 64)):
                return text, end, value
            text, at = text[at:] + more, 0  # a number may go on


def _at_least_one(text: str, at: int, read: Callable[[int], str]) -> tuple[str, int]:
    """The text and the next place in it that is no space; what is behind it is dropped."""
    at = skip_spaces(text, at)
    while at == len(text) and (more := read(2**20)):
        text, at = more, skip_spaces(more, 0)
    return text, at


def _broken(reason: str) -> Unreadable:
    cure = "Correct the list, or write each row as one JSON object on one line."
    return Unreadable(Finding("table.json", None, "error", reason, cure))
