"""Read one line of JSON so that nothing in it is guessed, dropped or dangerous later."""

import json
import re
from typing import Any, Never

from app.formats.base import Finding, JsonObject, Unreadable
from app.formats.words import kind_of, quoted, short

BOM = b"\xef\xbb\xbf"
SPACES = b" \t\n\r"  # JSON's: Python takes more bytes for space
DEPTH_LIMIT = 32
DIGIT_LIMIT = 309  # a float ends here; Python refuses to read integers beyond 4,300 digits
UTF16 = Finding(
    "read.utf16",
    None,
    "error",
    "The text is UTF-16 or UTF-32, not UTF-8.",
    "Save the file as UTF-8 and upload it again.",
)

_NO_SPACE = re.compile(r"[^ \t\n\r]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_object(line: bytes) -> JsonObject:
    """The JSON object on this line; spaces and a carriage return around it are allowed.

    Raises Unreadable for what is not UTF-8, not JSON, or JSON that two readers would understand
    differently: duplicate keys, NaN and infinities, numbers out of range, lone surrogates, NUL,
    nesting deeper than 32.
    """
    text = _text(line)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _not_json(line, error) from None
    except RecursionError:
        raise _too_deep() from None
    _refuse_odd_text(value)
    if not isinstance(value, dict):
        raise _unreadable(
            "read.not_object",
            f"The line is {kind_of(value)}, not an object.",
            'Write each row as one JSON object on one line: {"messages": […]}.',
        )
    return value


def decode_from(text: str, at: int) -> tuple[object, int]:
    """The JSON value that begins at this place, and where it ends. Raises JSONDecodeError, and
    Unreadable for what two readers would understand differently.
    """
    try:
        value, end = _DECODER.raw_decode(text, at)
    except RecursionError:
        raise _too_deep() from None
    _refuse_odd_text(value)
    return value, end


def skip_spaces(text: str, at: int) -> int:
    """The next place from this one on where no space stands."""
    found = _NO_SPACE.search(text, at)
    return found.start() if found else len(text)


def _unreadable(rule: str, reason: str, cure: str, field: str | None = None) -> Unreadable:
    return Unreadable(Finding(rule, field, "error", reason, cure))


def _text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        if line[:2] in {b"\xff\xfe", b"\xfe\xff"} or _is_mostly_nul(line):
            raise Unreadable(UTF16) from None
        raise _unreadable(
            "read.utf8",
            f"Not UTF-8: byte {error.start + 1:,} of the line is 0x{line[error.start]:02x}.",
            "Save the file as UTF-8 and upload it again.",
        ) from None


def _is_mostly_nul(line: bytes) -> bool:
    return line[:200].count(0) * 3 >= len(line[:200])


def _not_json(line: bytes, error: json.JSONDecodeError) -> Unreadable:
    at = f"at character {error.pos + 1:,}"
    if line and _is_mostly_nul(line):
        return Unreadable(UTF16)
    if error.doc.startswith("\ufeff"):
        return _unreadable(
            "read.bom",
            "A byte order mark stands at the beginning of the line, in the middle of the file.",
            "Remove it; it comes from joining files that were saved with one.",
        )
    if error.msg.startswith("Invalid control character"):
        return _unreadable(
            "read.control",
            f"A raw control character (U+{ord(error.doc[error.pos]):04X}) stands in a text, {at}.",
            "Write it as an escape such as \\n, or remove it.",
        )
    if error.msg == "Extra data":
        cause = " Carriage returns alone do not end a line." if b"\r" in line.strip() else ""
        return _unreadable(
            "read.json",
            f"More text follows the first JSON value, {at}.{cause}",
            "Put each object on a line of its own, ended by a newline.",
        )
    return _unreadable(
        "read.json",
        f"Not JSON {at}: {error.msg[:1].lower()}{error.msg[1:]}.",
        "Write each row as one JSON object on one line, with double quotes and no trailing comma.",
    )


def _refuse_odd_text(value: object) -> None:
    """Refuse depth, lone surrogates and NUL wherever they stand, keys included; no recursion."""
    level: list[object] = [value]
    depth = 0
    while level:
        following: list[object] = []
        for item in level:
            if isinstance(item, str):
                _refuse_odd_string(item)
            elif isinstance(item, dict):
                following.extend(item)
                following.extend(item.values())
            elif isinstance(item, list):
                following.extend(item)
        depth += any(isinstance(item, dict | list) for item in level)
        if depth > DEPTH_LIMIT:
            raise _too_deep()
        level = following


def _refuse_odd_string(text: str) -> None:
    if "\0" in text:
        raise _unreadable(
            "read.nul",
            "A text contains the NUL character (U+0000), at which other programs end it.",
            "Remove the NUL character.",
        )
    if not text.isascii() and _SURROGATE.search(text):
        raise _unreadable(
            "read.surrogate",
            "A text contains half a character (a lone surrogate such as \\ud800), for which UTF-8 "
            "has no bytes.",
            "Write the whole character, or remove the half.",
        )


def _too_deep() -> Unreadable:
    return _unreadable(
        "read.depth",
        f"Lists and objects are nested deeper than {DEPTH_LIMIT}.",
        "Flatten the row. If the nested part is data, store it as text.",
    )


def _no_duplicates(pairs: list[tuple[str, Any]]) -> JsonObject:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    seen: set[str] = set()
    key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    raise _unreadable(
        "read.duplicate_key",
        f"The key {quoted(key)} stands twice in one object; readers disagree which one counts.",
        "Keep one of the two.",
        field=short(key),
    )


def _no_constant(name: str) -> Never:
    raise _unreadable(
        "read.not_a_number",
        f"{name} is not JSON, although some programs write it.",
        "Use null, or leave the value out.",
    )


def _whole(digits: str) -> int:
    if len(digits) > DIGIT_LIMIT:
        raise _out_of_range(f"A number of {len(digits.lstrip('-')):,} digits")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise _out_of_range(f"The number {short(digits)}")
    return number


def _out_of_range(what: str) -> Unreadable:
    return _unreadable(
        "read.number",
        f"{what} is larger than a computer's number can be.",
        "Write it as a text, or shorten it.",
    )


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_duplicates,
    parse_constant=_no_constant,
    parse_int=_whole,
    parse_float=_fraction,
)
