"""`score_model`: a model reads the answer and gives it a number."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from app.graders.base import Measure
from app.graders.messages import JudgeMessage
from app.graders.settings import setting

NO_JUDGE = "A '{}' grader is read and kept, but not run: it needs a model that judges."
JUDGE = "The model that judges, by its name at the provider."
MESSAGES = "Say what is good and what is not; {{ sample.output_text }} is the answer."


class SamplingParams(BaseModel):
    """How the judge is sampled. OpenAI spells `max_completions_tokens` so."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    seed: int | None = setting(
        "integer", "Seed", "The same seed tends to bring the same verdict.", default=None
    )
    top_p: float | None = setting(
        "number", "Top p", "Only the likeliest words that together have this share.", default=None
    )
    temperature: float | None = setting(
        "number", "Temperature", "0 is the steadiest.", default=None, example=0
    )
    max_completions_tokens: int | None = setting(
        "integer",
        "Tokens at most",
        "Of the verdict, its reasons included.",
        default=None,
        minimum=1,
    )
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        setting(
            "choice",
            "Reasoning effort",
            "How much the judge thinks first, where its model can.",
            default=None,
            choices={
                "none": "none",
                "minimal": "minimal",
                "low": "low",
                "medium": "medium",
                "high": "high",
                "xhigh": "very high",
                "max": "the most there is",
            },
        )
    )


class ScoreModel(Measure):
    """The judge's number within `range`, [0, 1] where none is given."""

    title = "Judge with a number"
    purpose = "A model reads the answer and gives it a number within a range."

    type: Literal["score_model"]
    model: str = setting("text", "Judge", JUDGE)
    input: Annotated[list[JudgeMessage], Field(min_length=1)] = setting(
        "messages", "What the judge is told", MESSAGES
    )
    range: list[float] | None = setting(
        "range", "Range", "The lowest and the highest number; 0 to 1 without one.", default=None
    )
    sampling_params: SamplingParams | None = setting(
        "sampling", "Sampling", "How the judge is sampled.", default=None
    )

    @property
    def highest(self) -> float:
        return self.range[1] if self.range else 1.0

    @field_validator("range")
    @classmethod
    def _two_in_order(cls, ends: list[float] | None) -> list[float] | None:
        if ends is not None and (len(ends) != 2 or ends[0] >= ends[1]):  # noqa: PLR2004
            raise ValueError("A range is two numbers, the lower first.")
        return ends

    def obstacle(self) -> str | None:
        return NO_JUDGE.format(self.type)
