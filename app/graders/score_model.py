"""`score_model`: a model reads the answer and gives it a number."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from app.graders.base import Answer, Case, JsonObject, Measure
from app.graders.judge import HOW, MESSAGES, Ask, Judge
from app.graders.messages import JudgeMessage, chat_messages
from app.graders.sampling import SamplingParams, sampling
from app.graders.settings import setting


class ScoreModel(Judge, Measure):
    """The judge's number within `range`, [0, 1] where none is given: one outside is moved to its
    end, as OpenAI does.
    """

    title = "Judge with a number"
    purpose = "A model reads the answer and gives it a number within a range."

    type: Literal["score_model"]
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
    def lowest(self) -> float:
        """The worst score there is."""
        return self.range[0] if self.range else 0.0

    @property
    def highest(self) -> float:
        return self.range[1] if self.range else 1.0

    @field_validator("range")
    @classmethod
    def _two_in_order(cls, ends: list[float] | None) -> list[float] | None:
        if ends is not None and (len(ends) != 2 or ends[0] >= ends[1]):  # noqa: PLR2004
            raise ValueError("A range is two numbers, the lower first.")
        return ends

    def ask(self, case: Case, answer: Answer, *, seed: int = 0) -> Ask:  # noqa: ARG002 - no lot
        how = HOW.format(f"a number from {self.lowest:g} to {self.highest:g}")
        return Ask(chat_messages(self.input, case, answer, how), sampling(self.sampling_params))

    def verdict(self, result: Any, ask: Ask) -> tuple[float, JsonObject]:  # noqa: ARG002
        try:
            given = math.nan if isinstance(result, bool) else float(result)
        except (TypeError, ValueError):
            given = math.nan
        if not math.isfinite(given):
            raise ValueError("Its result is no number.")
        value = min(max(given, self.lowest), self.highest)
        return value, {} if value == given else {"given": given}
