"""One request to a provider, from a thread of its own: an answer, or why there is none."""

import threading
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple, Self

from app.connections.service import capabilities_of, open_connection
from app.core.http import HeldBack, HttpOptions
from app.evaluations.forms import MOST_AT_ONCE
from app.evaluations.work.claiming import Asking, Work
from app.evaluations.work.pace import MOST, Pace
from app.providers.base import (
    AllowanceSpent,
    ChatAnswer,
    ChatRequest,
    NotReached,
    ProviderError,
)

# A trainer of ours answers with one model, on a machine that has other work.
AT_ONCE, AT_ONCE_OURS = 160, 8
READ_SECONDS, TOTAL_SECONDS = 60.0, 120.0
LONGEST_ANSWER = 1_000_000
MOST_TOKENS = 2**53
MINUTE = 60


class Answered(NamedTuple):
    """What came, and how long that took."""

    asking: Asking
    text: str
    calls: list[Any]
    refusal: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_ms: int


class Failed(NamedTuple):
    """Why nothing came. `may_be_billed` where nobody knows what became of it over there."""

    asking: Asking
    error: ProviderError
    may_be_billed: bool


class Unsent(NamedTuple):
    """Nothing left this machine."""

    asking: Asking


Came = Answered | Failed | Unsent


class Asker:
    """The provider behind a contestant's connection, for all threads of a slice. Close it after
    use: no unit of work may be open while it is asked.
    """

    def __init__(self, work: Work) -> None:
        assert work.connection is not None  # noqa: S101 - only models are asked
        self._work, self.stopped = work, threading.Event()
        self.at_once = _at_once(work)
        self.pace = _pace(work)
        http = HttpOptions(
            read_seconds=READ_SECONDS,
            total_seconds=TOTAL_SECONDS,
            idle_connections=self.at_once,
            gate=lambda: None,  # the turn is waited for before the clock runs
        )
        self._provider = open_connection(work.connection, http)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._provider.close()

    def ask(self, asking: Asking) -> Came:
        """Ask for one answer when its turn has come."""
        try:
            if self.pace is not None:
                self.pace()
        except HeldBack:
            return Unsent(asking)
        if self.stopped.is_set():
            return Unsent(asking)
        begun_at = time.monotonic()
        try:
            answer = self._provider.answer(self._request(asking))
        except AllowanceSpent:
            return Unsent(asking)
        except ProviderError as error:
            self._learn(error)
            is_lost = error.http_status is None and not isinstance(error, NotReached)
            return Failed(asking, error, may_be_billed=is_lost)
        if self.pace is not None:
            self.pace.granted()
        return _answered(asking, answer, time.monotonic() - begun_at)

    def _request(self, asking: Asking) -> ChatRequest:
        chosen = self._work.settings
        return ChatRequest(
            model=self._work.model,
            messages=tuple(asking.messages),
            temperature=chosen.temperature,
            top_p=chosen.top_p,
            max_tokens=chosen.max_tokens,
            seed=chosen.seed,
            tools=tuple(asking.tools),
        )

    def _learn(self, error: ProviderError) -> None:
        if self.pace is None or error.http_status is None:
            return
        if error.http_status == HTTPStatus.TOO_MANY_REQUESTS:
            self.pace.refused(getattr(error, "retry_after", None))
        else:
            self.pace.granted()


def _at_once(work: Work) -> int:
    """This contestant's share of what may be on its way over the connection."""
    assert work.connection is not None  # noqa: S101 - see Asker
    usual = AT_ONCE_OURS if capabilities_of(work.connection).is_ours else AT_ONCE
    most = min(work.settings.at_once or usual, MOST_AT_ONCE)
    return max(most // max(work.beside, 1), 1)


def _pace(work: Work) -> Pace | None:
    """Its share of what the connection takes; a trainer of ours takes what it can."""
    assert work.connection is not None  # noqa: S101 - see Asker
    share, known = max(work.beside, 1), work.pace
    limit = work.settings.per_minute
    if capabilities_of(work.connection).is_ours and limit is None:
        return None
    ceiling = MOST if limit is None else limit / MINUTE
    rate = known.rate / share if known else None
    most = known.most / share if known and known.most else None
    return Pace(rate, most, ceiling / share)


def _answered(asking: Asking, answer: ChatAnswer, seconds: float) -> Answered:
    message = _message(answer.raw)
    refusal, calls = message.get("refusal"), message.get("tool_calls")
    finish = answer.finish_reason
    return Answered(
        asking,
        answer.text[:LONGEST_ANSWER],
        [one for one in calls if isinstance(one, dict)] if isinstance(calls, list) else [],
        refusal[:LONGEST_ANSWER] if isinstance(refusal, str) and refusal else None,
        finish[:64] if finish else None,
        _counted(answer.prompt_tokens),
        _counted(answer.completion_tokens),
        round(seconds * 1000),
    )


def _message(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    choices: Sequence[Any] = raw["choices"]
    message = next(one for one in choices if isinstance(one, dict)).get("message")
    return message if isinstance(message, dict) else {}


def _counted(tokens: int | None) -> int | None:
    return tokens if tokens is not None and 0 <= tokens < MOST_TOKENS else None
