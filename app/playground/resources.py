"""Conversations as the API gives them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.playground.models import Answer, Conversation, Question
from app.playground.preparing import Told


@dataclass(frozen=True, slots=True)
class LikelyResource:
    """A token and the natural logarithm of its probability."""

    token: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenResource(LikelyResource):
    """A token of an answer, and the likeliest in its place."""

    top_logprobs: list[LikelyResource]


@dataclass(frozen=True, slots=True)
class AnswerResource:
    """What came of one column: `state` is arriving, stopping, done, cut or failed. Milliseconds
    count from when the question was sent; `price_usd` null is unknown, like tokens that the
    provider does not tell.
    """

    place: int
    state: str
    text: str
    tool_calls: list[dict[str, Any]]
    logprobs: list[TokenResource] | None
    error: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    first_token_ms: int | None
    total_ms: int
    price_usd: float | None


@dataclass(frozen=True, slots=True)
class QuestionResource:
    """One question. `columns` are the models asked, `answers` what came, by `place`."""

    number: int
    text: str
    columns: list[dict[str, Any]]
    settings: dict[str, Any]
    asked_at: datetime
    answers: list[AnswerResource]


@dataclass(frozen=True, slots=True)
class BriefResource:
    """A conversation in a list."""

    id: int
    title: str
    created_by: int | None
    created_at: datetime
    changed_at: datetime
    shared_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConversationResource(BriefResource):
    """A conversation with all that was asked in it."""

    questions: list[QuestionResource]


def answer_resource(answer: Answer) -> AnswerResource:
    """The answer as the API gives it."""
    return AnswerResource(
        place=answer.place,
        state=answer.state,
        text=answer.text,
        tool_calls=list(answer.calls),
        logprobs=answer.chances
        and [
            TokenResource(token, logprob, [LikelyResource(*one) for one in likeliest])
            for token, logprob, likeliest in answer.chances
        ],
        error=answer.error,
        finish_reason=answer.finish_reason,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        first_token_ms=answer.first_ms,
        total_ms=answer.total_ms,
        price_usd=answer.price,
    )


def brief_resource(one: Conversation) -> BriefResource:
    """The conversation in a list."""
    return BriefResource(
        one.id, one.title, one.created_by, one.created_at, one.changed_at, one.shared_at
    )


def resource(found: Told) -> ConversationResource:
    """The conversation as the API gives it."""
    one = found.conversation
    return ConversationResource(
        one.id,
        one.title,
        one.created_by,
        one.created_at,
        one.changed_at,
        one.shared_at,
        [_question(question) for question in found.questions],
    )


def _question(question: Question) -> QuestionResource:
    return QuestionResource(
        number=question.number,
        text=question.text,
        columns=list(question.columns),
        settings=question.settings,
        asked_at=question.asked_at,
        answers=[answer_resource(one) for one in question.answers],
    )
