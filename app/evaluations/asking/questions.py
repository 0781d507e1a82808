"""A question to a model, and what may come of it."""

from typing import Any, Generic, NamedTuple, TypeVar

from app.evaluations.models import GivenAnswer
from app.providers.base import (
    ChatRequest,
    KeyRejected,
    NotFound,
    NotPermitted,
    ProviderError,
)

Of = TypeVar("Of")


class Question(NamedTuple, Generic[Of]):
    """What is sent for the row `row_id`, under which `digest` its answer is kept, about how many
    `tokens` it has and what it costs at most (None: unknown). `tries` are the failures that count
    so far, `known` is the answer where it was given before. `of` is what its reader needs to know.
    """

    row_id: int
    of: Of
    request: ChatRequest
    digest: str
    tokens: int
    held: int | None
    tries: int
    known: GivenAnswer | None = None


class Answered(NamedTuple, Generic[Of]):
    """What came, and how long that took."""

    question: Question[Of]
    text: str
    calls: list[Any]
    refusal: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_ms: int


class Failed(NamedTuple, Generic[Of]):
    """Why nothing came. `may_be_billed` where nobody knows what became of it over there."""

    question: Question[Of]
    error: ProviderError
    may_be_billed: bool

    @property
    def is_for_all(self) -> bool:
        """Whether it would be said of every other question, too: of the key, or of the model."""
        return isinstance(self.error, KeyRejected | NotFound | NotPermitted)


class Unsent(NamedTuple, Generic[Of]):
    """Nothing left this machine."""

    question: Question[Of]


Came = Answered[Of] | Failed[Of] | Unsent[Of]
