"""Answers by hand, as the API gives them."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HandPerson:
    """Somebody who answered so many cases; `user_id` is null of somebody who has left."""

    user_id: int | None
    name: str
    cases: int


@dataclass(frozen=True, slots=True)
class HandProgress:
    """How far people are with a run: of `expected` answers `given` are there, `waiting` are not,
    `held` of those are in somebody's hands; `failed` are waited for no more.
    """

    status: str
    expected: int
    given: int
    waiting: int
    held: int
    failed: int
    people: list[HandPerson]


@dataclass(frozen=True, slots=True)
class HandCase:
    """The case that is yours for half an hour: what is asked, as models are asked it, and `labels`,
    the answers there are where they are few. `number` is null where nothing is left for you.
    """

    number: int | None
    messages: list[Any]
    tools: list[str]
    labels: list[str]
