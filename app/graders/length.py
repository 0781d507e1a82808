"""`length`: is the text neither too short nor too long."""

from collections.abc import Sequence
from statistics import fmean
from typing import Literal, Self

from pydantic import model_validator

from app.core import tokens
from app.graders.base import Answer, Case, JsonObject, Score
from app.graders.settings import setting
from app.graders.texts import Reads


class Length(Reads):
    """1 where the length lies within the bounds, both included, else 0."""

    title = "Length"
    purpose = "Is the text neither too short nor too long: 1 or 0."

    type: Literal["length"]
    unit: Literal["characters", "words", "lines", "tokens"] = setting(
        "choice",
        "Counted in",
        "Words are what spaces part; lines have something in them; tokens are those of o200k_base.",
        default="words",
        choices={
            "characters": "characters",
            "words": "words",
            "lines": "lines",
            "tokens": "tokens",
        },
    )
    least: int | None = setting("integer", "At least", "So many.", default=None, minimum=0)
    most: int | None = setting(
        "integer", "At most", "So many.", default=None, example=100, minimum=0
    )

    @model_validator(mode="after")
    def _has_bounds(self) -> Self:
        if self.least is None and self.most is None:
            raise ValueError("Give 'least', 'most', or both.")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("'least' is more than 'most'.")
        return self

    def score(self, case: Case, answer: Answer) -> Score:
        length = self._length(self.given(case, answer))
        is_short = self.least is not None and length < self.least
        is_long = self.most is not None and length > self.most
        return Score(float(not is_short and not is_long), detail={"length": length})

    def _length(self, text: str) -> int:
        match self.unit:
            case "characters":
                return len(text)
            case "words":
                return len(text.split())
            case "lines":
                return sum(not line.isspace() for line in text.splitlines() if line)
            case "tokens":
                return tokens.count(text)

    def figures(self, scores: Sequence[Score]) -> JsonObject:
        """`mean_length` of those that have one."""
        lengths = [score.detail["length"] for score in scores]
        return {"mean_length": fmean(lengths) if lengths else None}
