"""A run's output items, a page at a time, from the blob in which they lie line by line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from app.formats.drawn import Turn
from app.rescue.evals.bodies import (
    LINE_BYTES,
    PAGE_BYTES,
    error_words,
    figure,
    lines_from,
    mapping,
    number,
    objects,
    place_of,
    read_line,
)
from app.rescue.evals.words import cut, pairs, turns

PAGE = 20
ONLY = (("", "All"), ("failed", "Failed"), ("passed", "Passed"), ("errored", "Errors"))


class Asked(NamedTuple):
    """Which items a page is to show: from the one of a number on, which begins at byte `at` if the
    asker knows, `only` of one state where one is named.
    """

    item: int = 1
    at: int | None = None
    only: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """What one grader said about one answer. `told` is what its judge wrote."""

    name: str
    kind: str
    score: float | None
    passed: bool | None
    told: str


@dataclass(frozen=True, slots=True)
class ItemView:
    """One output item. `state` is passed, failed or errored; `fields` are those of the row it was
    asked about. `raw` is the start of a line that could not be read, and then there is nothing
    else.
    """

    number: int
    item_id: str
    state: str
    fields: tuple[tuple[str, str], ...]
    asked: tuple[Turn, ...]
    answered: tuple[Turn, ...]
    grades: tuple[Grade, ...]
    error: str
    tokens: int | None
    raw: str | None


@dataclass(frozen=True, slots=True)
class PageOfItems:
    """A page of a run's output items. `read_to` is the last one looked at; the addresses lead to
    the pages beside it, None at the ends.
    """

    items: tuple[ItemView, ...]
    only: str
    choices: tuple[tuple[str, str, str], ...]
    first: int
    read_to: int
    total: int | None
    first_url: str | None
    earlier_url: str | None
    later_url: str | None


def page_of(
    path: Path, asked: Asked, total: int | None, address: Callable[..., str]
) -> PageOfItems:
    """At most twenty items, found by reading on from the first one asked for until a page is full
    or enough was read. `address` makes the address of a page of `item`, `at` and `only`.
    """
    first, at = asked.item, place_of(path, asked.item, asked.at)
    if at is None:
        first, at = 1, 0
    items: list[ItemView] = []
    last, next_at, left = first - 1, at, PAGE_BYTES
    for line in lines_from(path, number=first, at=at, longest=LINE_BYTES):
        if len(items) == PAGE or left < 0:
            break
        left -= line.next_at - line.at
        last, next_at = line.number, line.next_at
        item = read_line(line)
        view = unreadable_item(line.number, line.content)
        view = item_view(line.number, item) if item is not None else view
        if asked.only in {"", view.state}:
            items.append(view)
    is_end = next_at >= path.stat().st_size
    # Behind a filter nobody knows how far back a full page begins.
    earlier = max(1, first - PAGE) if first > 1 and not asked.only else None
    return PageOfItems(
        items=tuple(items),
        only=asked.only,
        choices=tuple((key, words, address(only=key)) for key, words in ONLY),
        first=first,
        read_to=last,
        total=total,
        first_url=address(only=asked.only) if first > 1 else None,
        earlier_url=address(item=earlier, only=asked.only) if earlier else None,
        later_url=None if is_end else address(item=last + 1, at=next_at, only=asked.only),
    )


def item_view(number_here: int, item: dict[str, Any]) -> ItemView:
    """An output item, read."""
    sample = mapping(item.get("sample"))
    return ItemView(
        number=number_here,
        item_id=str(item.get("id") or ""),
        state=state_of(item),
        fields=pairs(item.get("datasource_item")),
        asked=turns(sample.get("input")),
        answered=turns(sample.get("output")),
        grades=tuple(map(_grade, objects(item.get("results")))),
        error=cut(error_words(sample.get("error"))),
        tokens=number(mapping(sample.get("usage")).get("total_tokens")),
        raw=None,
    )


def unreadable_item(number_here: int, content: bytes | None) -> ItemView:
    """A line that is no output item, as it stands."""
    raw = (
        "Too long to be shown here." if content is None else content[:2000].decode(errors="replace")
    )
    return ItemView(number_here, "", "errored", (), (), (), (), "", None, raw)


def state_of(item: dict[str, Any]) -> str:
    """Whether an item passed: by its graders, and where there are none by its own word."""
    if error_words(mapping(item.get("sample")).get("error")):
        return "errored"
    verdicts = [one.get("passed") for one in objects(item.get("results"))]
    if verdicts:
        return "passed" if all(verdict is True for verdict in verdicts) else "failed"
    status = str(item.get("status") or "")
    return {"pass": "passed", "passed": "passed", "error": "errored"}.get(status, "failed")


def _grade(result: dict[str, Any]) -> Grade:
    passed = result.get("passed")
    judged = turns(mapping(result.get("sample")).get("output"))
    return Grade(
        name=str(result.get("name") or "unnamed"),
        kind=str(result.get("type") or ""),
        score=figure(result.get("score")),
        passed=passed if isinstance(passed, bool) else None,
        told="\n".join(turn.text for turn in judged if turn.text),
    )
