"""One request to a provider, from a thread of its own: an answer, or why there is none."""

import threading
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple, Self

from app.connections.models import Connection
from app.connections.service import capabilities_of, open_connection
from app.core.database import unit_of_work
from app.core.http import HeldBack, HttpOptions
from app.evaluations.asking import paces
from app.evaluations.asking.pace import FIRST, MOST, Pace
from app.evaluations.asking.questions import Answered, Came, Failed, Of, Question, Unsent
from app.evaluations.forms import MOST_AT_ONCE
from app.evaluations.models import AnswerPace
from app.providers.base import (
    AllowanceSpent,
    ChatAnswer,
    NotReached,
    ProviderError,
)

# A trainer of ours answers with one model, on a machine that has other work.
AT_ONCE, AT_ONCE_OURS = 160, 8
READ_SECONDS, TOTAL_SECONDS = 60.0, 120.0
LONGEST_ANSWER = 1_000_000
MOST_TOKENS = 2**53
MINUTE = 60


class Share(NamedTuple):
    """One slice's share of a connection: `beside` counts those who ask over it just now, this one
    included, `pace` is how fast it turned out to answer. `per_minute` and `at_once` are a person's
    own limits for all of them.
    """

    connection: Connection
    beside: int
    pace: AnswerPace | None
    per_minute: int | None = None
    at_once: int | None = None


class Asker:
    """The provider behind a connection, for all threads of a slice. Close it after use: no unit of
    work may be open while it is asked.
    """

    def __init__(self, share: Share) -> None:
        self.stopped = threading.Event()
        self.at_once = _at_once(share)
        self.pace = _pace(share, self.stopped)
        self._connection_id = share.connection.id
        http = HttpOptions(
            read_seconds=READ_SECONDS,
            total_seconds=TOTAL_SECONDS,
            idle_connections=self.at_once,
            gate=lambda: None,  # the turn is waited for before the clock runs
        )
        self._provider = open_connection(share.connection, http)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._provider.close()

    def agree(self) -> None:
        """Who asks beside it and how fast it goes may have changed."""
        if self.pace is not None:
            with unit_of_work() as session:
                paces.agree(session, paces.hold(session, self._connection_id), self.pace)

    def ask(self, question: Question[Of]) -> Came[Of]:
        """Ask once, when its turn has come."""
        try:
            if self.pace is not None:
                self.pace()
        except HeldBack:
            return Unsent(question)
        if self.stopped.is_set():
            return Unsent(question)
        begun_at = time.monotonic()
        try:
            answer = self._provider.answer(question.request)
        except AllowanceSpent:
            return Unsent(question)
        except ProviderError as error:
            self._learn(error, begun_at)
            is_lost = error.http_status is None and not isinstance(error, NotReached)
            return Failed(question, error, may_be_billed=is_lost)
        return _answered(question, answer, time.monotonic() - begun_at)

    def _learn(self, error: ProviderError, sent_at: float) -> None:
        if self.pace is not None and error.http_status == HTTPStatus.TOO_MANY_REQUESTS:
            self.pace.refused(sent_at, getattr(error, "retry_after", None))


def _at_once(share: Share) -> int:
    usual = AT_ONCE_OURS if capabilities_of(share.connection).is_ours else AT_ONCE
    most = min(share.at_once or usual, MOST_AT_ONCE)
    return max(most // max(share.beside, 1), 1)


def _pace(share: Share, stopped: threading.Event) -> Pace | None:
    """A trainer of ours takes what it can."""
    known, limit = share.pace, share.per_minute
    if capabilities_of(share.connection).is_ours and limit is None:
        return None
    return Pace(
        known.rate if known else FIRST,
        known.most if known else None,
        beside=max(share.beside, 1),
        limit=MOST if limit is None else limit / MINUTE,
        stopped=stopped,
    )


def _answered(question: Question[Of], answer: ChatAnswer, seconds: float) -> Answered[Of]:
    message = _message(answer.raw)
    refusal, calls = message.get("refusal"), message.get("tool_calls")
    finish = answer.finish_reason
    return Answered(
        question,
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
