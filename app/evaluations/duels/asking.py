"""One question to a judge, from a thread of its own: a reply, or why there is none."""

import time
from typing import NamedTuple

from app.graders.judge import Ask
from app.providers.base import (
    AllowanceSpent,
    ChatRequest,
    NotReached,
    Provider,
    ProviderError,
)

LONGEST_REPLY = 100_000


class Asking(NamedTuple):
    """A pair that is claimed: what is sent, and under which digest the reply is kept."""

    duel_id: int
    ask: Ask
    digest: str


class Replied(NamedTuple):
    """What the judge said, and what it took."""

    asking: Asking
    text: str
    prompt_tokens: int | None
    completion_tokens: int | None
    total_ms: int


class Failed(NamedTuple):
    """Why there is no reply; `may_be_billed` where nobody knows what became of the question."""

    asking: Asking
    error: ProviderError
    may_be_billed: bool


class Unsent(NamedTuple):
    """Nothing left this machine."""

    asking: Asking


Came = Replied | Failed | Unsent


def ask_judge(provider: Provider, model: str, asking: Asking) -> Came:
    """Ask once. No unit of work may be open."""
    begun_at = time.monotonic()
    request = ChatRequest(
        model=model, messages=asking.ask.messages, counts=True, **asking.ask.sampling
    )
    try:
        answer = provider.answer(request)
    except AllowanceSpent:
        return Unsent(asking)
    except ProviderError as error:
        is_lost = error.http_status is None and not isinstance(error, NotReached)
        return Failed(asking, error, may_be_billed=is_lost)
    return Replied(
        asking,
        answer.text[:LONGEST_REPLY],
        answer.prompt_tokens,
        answer.completion_tokens,
        round((time.monotonic() - begun_at) * 1000),
    )
