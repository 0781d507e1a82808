"""`python`: the team's own `grade(sample, item)`."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from time import monotonic
from typing import Any, Literal

from pydantic import field_validator

from app.core import jail
from app.core.jail import Jail
from app.graders.base import Answer, Case, JsonObject, Measure, Score, Ungradable
from app.graders.settings import setting

LONGEST = 256_000
"""Bytes of source, OpenAI's limit."""

LONGEST_TOLD = 60
LEAST_SECONDS = 0.1
_UNTIL: ContextVar[float | None] = ContextVar("until", default=None)


@contextmanager
def hurried(until: float) -> Iterator[None]:
    """Inside, a grading has until this moment of `time.monotonic`, where a jail allows more: for
    whoever waits for it. To load the source may take as long again.
    """
    token = _UNTIL.set(until)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def _seconds() -> float:
    until = _UNTIL.get()
    if until is None:
        return jail.SECONDS
    return min(jail.SECONDS, max(LEAST_SECONDS, round(until - monotonic(), 1)))


class Python(Measure):
    """What `grade` returns. OpenAI's guide leaves the name away, so it may be."""

    title = "Python"
    purpose = "What your own grade(sample, item) returns."

    type: Literal["python"]
    name: str = setting("text", "Name", "What reports and formulas call it.", default="python")
    source: str = setting(
        "code",
        "Source",
        "Defines grade(sample, item), which returns a number.",
        example="def grade(sample, item):\n    return 1.0\n",
    )
    image_tag: str | None = setting(
        "text", "Image", "OpenAI's name for what the code runs in.", default=None
    )

    @field_validator("source")
    @classmethod
    def _can_grade(cls, source: str) -> str:
        if len(source.encode()) >= LONGEST:
            raise ValueError("The source must be smaller than 256 kB.")
        if not re.search(r"\bgrade\b", source):
            raise ValueError("The source must define grade(sample, item), which returns a number.")
        return source

    def obstacle(self) -> str | None:
        lacks = jail.obstacle()
        return (
            lacks and f"A 'python' grader runs in a jail, which this machine cannot make: {lacks}"
        )

    def score(self, case: Case, answer: Answer) -> Score:
        try:
            value = self._jail.call(_sample(answer), dict(case), seconds=_seconds())
        except jail.Failed as error:
            raise Ungradable("python_grader_runtime_error", str(error)) from error
        except jail.Refused as error:
            raise Ungradable("python_grader_server_error", str(error)) from error
        return Score(_number(value))

    @cached_property
    def _jail(self) -> Jail:
        """Made at the first answer; its process ends with this grader."""
        return Jail(self.source, "grade")

    def written(self) -> JsonObject:
        return {**super().written(), "name": self.name}


def _sample(answer: Answer) -> JsonObject:
    """What templates call `sample`; `output_json` is None where the answer is no JSON."""
    names = ("output_text", "output_tools", "choices")
    return {name: answer.variable(name) for name in names} | {"output_json": _json(answer)}


def _json(answer: Answer) -> Any:
    try:
        return answer.variable("output_json")
    except Ungradable:
        return None


def _number(value: Any) -> float:
    """The score it returned. Raises Ungradable."""
    if not isinstance(value, int | float):
        reason = f"'grade' returned {json.dumps(value)[:LONGEST_TOLD]}, not a number."
    elif 0 <= value <= 1:
        return float(value)
    else:
        reason = f"'grade' returned {str(value)[:LONGEST_TOLD]}: a score lies between 0 and 1."
    raise Ungradable("python_grader_runtime_error", reason)
