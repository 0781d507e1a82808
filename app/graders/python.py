"""`python`: the team's own `grade(sample, item)`."""

import re
from typing import Literal

from pydantic import field_validator

from app.graders.base import JsonObject, Measure
from app.graders.settings import setting

LONGEST = 256_000
"""Bytes of source, OpenAI's limit."""


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
        return "A 'python' grader is read and kept, but not run: its code needs a jail."

    def written(self) -> JsonObject:
        return {**super().written(), "name": self.name}
