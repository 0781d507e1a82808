"""What judges cost: guessed before they are asked, counted afterwards."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.catalog.answer_prices import answer_price
from app.core import tokens
from app.graders.judge import Ask, Judge
from app.grading.judging import At, Came

REPLY_TOKENS = 150
"""What a verdict with its reason takes, as a guess."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What judges would be asked. `about` and `most` are US dollars, None where nobody knows the
    price of a model: what replies take is guessed, and bounded by what they may take.
    """

    questions: int
    prompt_tokens: int
    about: float | None
    most: float | None


def judging_estimate(profile: str, asks: Iterable[tuple[Judge, Ask]]) -> Estimate:
    """What these questions would cost over a connection of this profile. Counts tokens by OpenAI's
    rule, which other models' counts come near.
    """
    questions, prompts = 0, 0
    about: float | None = 0.0
    most: float | None = 0.0
    for judge, ask in asks:
        counted = tokens.row_tokens(ask.messages)
        questions, prompts = questions + 1, prompts + counted
        price, room = answer_price(profile, judge.model), ask.sampling["max_tokens"]
        if price is None or about is None or most is None:
            about = most = None
        else:
            about += price.of(counted, min(REPLY_TOKENS, room))
            most += price.of(counted, room)
    return Estimate(questions, prompts, about, most)


def spent(profile: str, judges: Mapping[str, Judge], came: Mapping[At, Came]) -> float | None:
    """What these replies cost, in US dollars; None where nobody knows."""
    costs = [
        _cost(profile, judges[name].model, one)
        for (_, name), one in came.items()
        if one.reply is not None
    ]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _cost(profile: str, model: str, came: Came) -> float | None:
    price = answer_price(profile, model)
    if price is None or (price.input == 0 and price.output == 0):
        return price and 0.0
    if came.prompt_tokens is None or came.completion_tokens is None:
        return None
    return price.of(came.prompt_tokens, came.completion_tokens)
