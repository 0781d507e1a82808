"""`score_model`: a model reads the answer and gives it a number."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.graders.base import Grader
from app.graders.messages import JudgeMessage

NO_JUDGE = "A '{}' grader is read and kept, but not run: it needs a model that judges."


class SamplingParams(BaseModel):
    """How the judge is sampled. OpenAI spells `max_completions_tokens` so."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    seed: int | None = None
    top_p: float | None = None
    temperature: float | None = None
    max_completions_tokens: Annotated[int, Field(ge=1)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )


class ScoreModel(Grader):
    """The judge's number within `range`, [0, 1] where none is given."""

    type: Literal["score_model"]
    model: str
    input: Annotated[list[JudgeMessage], Field(min_length=1)]
    range: list[float] | None = None
    sampling_params: SamplingParams | None = None
    pass_threshold: float | None = None

    @field_validator("range")
    @classmethod
    def _two_in_order(cls, ends: list[float] | None) -> list[float] | None:
        if ends is not None and (len(ends) != 2 or ends[0] >= ends[1]):  # noqa: PLR2004
            raise ValueError("A range is two numbers, the lower first.")
        return ends

    def obstacle(self) -> str | None:
        return NO_JUDGE.format(self.type)
