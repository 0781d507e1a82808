"""promptfoo's templates as ours: `{{ question }}` is `{{ item.question }}`, and nothing is run."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from app.formats.base import JsonObject
from app.graders.base import Answer, Ungradable
from app.graders.template import filled as filled_in
from app.graders.template import parsed

TAG = re.compile(r"\{\{-?(.*?)-?\}\}|\{#.*?#\}|(\{%)", re.DOTALL)
LITERAL = re.compile(r"""\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*""")
PLACE = re.compile(
    r"""\s*([A-Za-z_]\w*)((?:\.\w+|\[\d{1,9}\]|\["[^"\\]*"\]|\['[^'\\]*'\])*)\s*(?:\|\s*(?:dump|safe)\s*)*"""
)
STEP = re.compile(r"""\.(\w+)|\[(\d+)\]|\[["']([^"'\\]*)["']\]""")
NAME = re.compile(r"[^\s.\[\]{}]+")
ITEM = "item"
RUNS = "it has a {% block %}, which is run; only places such as {{ question }} carry over"


class Untranslatable(Exception):
    """A template that only Nunjucks can fill; its words say why."""


class Names(NamedTuple):
    """How a suite's templates name its values. `is_wrapped` where all of them lie in one object
    that is called item.
    """

    is_wrapped: bool


def translated(text: str, names: Names) -> str:
    """The template as graders and prompts here have it. Raises Untranslatable in words."""
    pieces = list(_pieces(text))
    whole = "".join(one if isinstance(one, str) else _place(one.inner, names) for one in pieces)
    _check(whole, sum(isinstance(one, _Inner) for one in pieces))
    return whole


def unfilled(text: str) -> str:
    """A text that is no template of ours, code for one, as Nunjucks leaves it. Raises
    Untranslatable where a value is filled in.
    """
    pieces = list(_pieces(text))
    if any(isinstance(one, _Inner) for one in pieces):
        raise Untranslatable("a value is filled into its code")
    return "".join(one for one in pieces if isinstance(one, str))


class _Inner(NamedTuple):
    """What stands between the braces of a place."""

    inner: str


def _pieces(text: str) -> Iterator[str | _Inner]:
    """The text and its places in turn, without comments. Raises Untranslatable."""
    at = 0
    for found in TAG.finditer(text):
        yield text[at : found.start()]
        at = found.end()
        if found[2]:
            raise Untranslatable(RUNS)
        if found[1] is not None:
            literal = LITERAL.fullmatch(found[1])
            yield (literal[1] or literal[2] or "") if literal else _Inner(found[1])
    yield text[at:]


def _place(inner: str, names: Names) -> str:
    found = PLACE.fullmatch(inner)
    if found is None:
        raise Untranslatable(f"{{{{{inner[:60]}}}}} is more than the name of a value")
    steps = [a or b or c for a, b, c in STEP.findall(found[2])]
    spelt = "".join(
        f"[{step}]" if brackets else f".{step}"
        for step, brackets in zip(steps, (b for _, b, _ in STEP.findall(found[2])), strict=True)
    )
    if found[1] == "env":
        raise Untranslatable("it reads settings of the machine, {{ env }}")
    if any(not NAME.fullmatch(step) for step in steps):
        raise Untranslatable(
            f"{{{{{inner[:60]}}}}} names a field with spaces or braces in its name"
        )
    if names.is_wrapped and found[1] == ITEM:
        if not spelt or spelt.startswith("["):
            raise Untranslatable("{{ item }} as a whole has no place here")
        return f"{{{{ {ITEM}{spelt} }}}}"
    return f"{{{{ {ITEM}.{found[1]}{spelt} }}}}"


def _check(text: str, places: int) -> None:
    try:
        found = sum(not isinstance(piece, str) for piece in parsed(text))
    except ValueError as error:
        raise Untranslatable(f"it cannot be written here: {error}") from error
    if found != places:
        raise Untranslatable("it holds braces that would be read as a place")


def has_places(text: str) -> bool:
    """Whether anything in it is filled in."""
    return "{{" in text


def filled(text: str, item: JsonObject, names: Names) -> str:
    """The text with the values of one test. Raises Untranslatable in words."""
    try:
        return filled_in(translated(text, names), item, Answer(""))
    except Ungradable as fault:
        raise Untranslatable(fault.reason) from fault
