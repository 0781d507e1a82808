"""Waiting for a condition with a deadline: the only place where tests sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], within: float = 30, *, every: float = 0.05) -> T:
    """The first truthy answer of `condition`, asked again until `within` seconds have passed.

    An assertion that fails inside it counts as "not yet", and is raised when time is up.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            answer = condition()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        else:
            if answer:
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s, the last answer was {answer!r}")
        time.sleep(every)
