"""`latency`: did the answer come soon enough."""

import math
from collections.abc import Sequence
from statistics import median
from typing import Literal

from app.graders.base import Answer, Case, Grader, JsonObject, Score, Ungradable
from app.graders.settings import setting

UNMEASURED = (
    "Nobody measured how long this answer took: only answers of models asked here are timed."
)


class Latency(Grader):
    """1 where the whole answer came within so many seconds, else 0."""

    title = "Latency"
    purpose = "Did the whole answer come within so many seconds: 1 or 0."

    type: Literal["latency"]
    most_seconds: float = setting(
        "number", "Seconds at most", "From the question to the answer's end.", minimum=0, example=2
    )

    def score(self, case: Case, answer: Answer) -> Score:  # noqa: ARG002 - the answer says all
        if answer.seconds is None:
            raise Ungradable("other_error", UNMEASURED)
        is_soon = answer.seconds <= self.most_seconds
        return Score(float(is_soon), detail={"seconds": answer.seconds})

    def figures(self, scores: Sequence[Score]) -> JsonObject:
        """`median_seconds`, and `p95_seconds`: 95 of 100 answers took no longer (nearest rank)."""
        seconds = sorted(score.detail["seconds"] for score in scores)
        if not seconds:
            return {"median_seconds": None, "p95_seconds": None}
        slow = seconds[math.ceil(0.95 * len(seconds)) - 1]
        return {"median_seconds": median(seconds), "p95_seconds": slow}
