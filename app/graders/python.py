"""`python`: the team's own `grade(sample, item)`."""

import re
from typing import Literal

from pydantic import field_validator

from app.graders.base import Grader, JsonObject

LONGEST = 256_000
"""Bytes of source, OpenAI's limit."""


class Python(Grader):
    """What `grade` returns. OpenAI's guide leaves the name away, so it may be."""

    type: Literal["python"]
    name: str = "python"
    source: str
    image_tag: str | None = None

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
