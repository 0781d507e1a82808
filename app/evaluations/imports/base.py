"""What every import comes to: cases, graders, answers that were given, and what did not carry over;
pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.formats.base import JsonObject

MOST_CASES, MOST_ANSWERS = 10_000, 50_000
MOST_TOLD, LONGEST_TOLD = 200, 400


class NotImportable(Exception):
    """Nothing can be made of it; its words say why."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that did not carry over: where it stands, and why."""

    place: str
    words: str


@dataclass(frozen=True, slots=True)
class CaseToBe:
    """A case: `messages` ask it, `item` is what graders know, `reference` the right answer."""

    messages: list[JsonObject]
    item: JsonObject
    reference: str | None


@dataclass(frozen=True, slots=True)
class GradeToBe:
    """What the grader at `place` of the import had said of an answer."""

    place: int
    value: float | None
    passed: bool | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerToBe:
    """An answer that was given to the case at `case`, as it was graded then; with an `error` there
    is none. Milliseconds, and millionths of a dollar; None where nobody wrote them down.
    """

    case: int
    text: str = ""
    calls: tuple[JsonObject, ...] = ()
    refusal: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_ms: int | None = None
    cost: int | None = None
    error: str | None = None
    passed: bool | None = None
    score: float | None = None
    grades: tuple[GradeToBe, ...] = ()


@dataclass(frozen=True, slots=True)
class ContestantToBe:
    """Who gave answers; several to a case are its repeats, in this order."""

    name: str
    answers: list[AnswerToBe] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in. `what` it was in words; `prompt` is the messages with places that the cases
    were asked with, where there is one; `graders` are as the library reads them.
    """

    what: str
    name: str
    cases: tuple[CaseToBe, ...]
    graders: tuple[JsonObject, ...] = ()
    prompt: tuple[JsonObject, ...] = ()
    contestants: tuple[ContestantToBe, ...] = ()
    told: tuple[Told, ...] = ()


class Telling:
    """Gathers what did not carry over, each thing once with the first place it stands at."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def __call__(self, place: str, words: str) -> None:
        self._found.setdefault(words[:LONGEST_TOLD], []).append(place)

    def all(self) -> tuple[Told, ...]:
        """Everything told, in the order in which it was met."""
        return tuple(
            Told(_places(places), words) for words, places in [*self._found.items()][:MOST_TOLD]
        )


def _places(places: list[str]) -> str:
    more = len(places) - 1
    return places[0] if not more else f"{places[0]} and {more:,} more"


def mapping(value: Any) -> JsonObject:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[JsonObject]:
    """The objects of a list; nothing else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def whole(value: Any) -> int | None:
    """A whole number that a database keeps, or None; true is no number."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value < 2**31 else None


def figure(value: Any) -> float | None:
    """A number that is finite, or None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e15 else None  # noqa: PLR2004 - no overflow


def named_once(names: Iterable[str]) -> list[str]:
    """The names, where one stands again with a number behind it."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found
