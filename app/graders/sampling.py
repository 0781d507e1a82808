"""How a judge is sampled: OpenAI's settings, and what is sent of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.graders.base import JsonObject
from app.graders.settings import setting

REPLY_TOKENS, THOUGHT_TOKENS = 1_000, 8_000
"""A reply may be so long where the grader does not say; that of a model that thinks first."""


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


def sampling(params: SamplingParams | None) -> JsonObject:
    """What is sent, by the names of a chat request. Without other words at temperature 0, unless
    the model is to think first: those that can know no temperature.
    """
    chosen = params.model_dump(exclude_none=True) if params else {}
    thinks = "reasoning_effort" in chosen
    most = chosen.pop("max_completions_tokens", THOUGHT_TOKENS if thinks else REPLY_TOKENS)
    return {**({} if thinks else {"temperature": 0}), **chosen, "max_tokens": most}
