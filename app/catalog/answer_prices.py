"""What answers cost, by the token, who says so, and how old that is."""

import tomllib
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

BOOK = Path(__file__).with_name("answer_prices.toml")
MILLION = 1_000_000


class AnswerPrice(NamedTuple):
    """US dollars per million tokens in and out over connections of a profile, for models whose
    whole name fits the pattern `model`. What a provider keeps ready and sells for less is not
    taken off.
    """

    profile: str
    model: str
    input: float
    output: float
    source: str
    read_on: date
    source_url: str = ""

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What an answer of so many tokens costs, in US dollars."""
        return (self.input * prompt_tokens + self.output * completion_tokens) / MILLION


def answer_price(profile: str, model: str) -> AnswerPrice | None:
    """What answers of this model cost over this kind of service; None is "unknown"."""
    fitting = (one for one in _book() if one.profile == profile)
    return next((one for one in fitting if fnmatchcase(model, one.model)), None)


@lru_cache
def _book() -> tuple[AnswerPrice, ...]:
    return tuple(AnswerPrice(**entry) for entry in tomllib.loads(BOOK.read_text())["price"])
