"""From a question to what each of its models is asked: examples, what was said before, settings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.connections import queries as connections
from app.connections.models import Connection
from app.core.database import read_only
from app.core.errors import NotFound
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion
from app.datasets.rows import first_conversations
from app.playground import queries
from app.playground.models import Conversation, Question
from app.providers.base import ChatRequest

# Of each token the likeliest in its place; providers give at most 20.
LIKELIEST = 5

Messages = list[Mapping[str, Any]]


class Asking(NamedTuple):
    """One column about to be asked; without a connection there is nobody to ask."""

    question_id: int
    place: int
    connection: Connection | None
    request: ChatRequest


class _Column(NamedTuple):
    asked: dict[str, Any]
    connection: Connection | None
    version: DatasetVersion | None


def prepare(conversation_id: int, number: int, *, place: int | None = None) -> list[Asking]:
    """What the columns of a question are asked, or the one at `place`. Reads files: no session may
    be open. Raises NotFound.
    """
    with read_only() as session:
        asked = queries.questions_of(session, conversation_id)
        question = next((one for one in asked if one.number == number), None)
        if question is None or (place is not None and place >= len(question.columns)):
            raise NotFound
        columns = [_column(session, question, column) for column in question.columns]
    earlier = [one for one in asked if one.number < number]
    return [
        Asking(
            question.id, at, column.connection, _request(question, _before(column, earlier), column)
        )
        for at, column in enumerate(columns)
        if place in {None, at}
    ]


def _column(session: Session, question: Question, asked: dict[str, Any]) -> _Column:
    version_id = asked.get("examples_from")
    return _Column(
        asked,
        connections.connection_in(session, question.project_id, asked["connection_id"]),
        datasets.version_in(session, question.project_id, version_id) if version_id else None,
    )


def _before(column: _Column, earlier: Iterable[Question]) -> Messages:
    """The examples, and what was said since."""
    found: Messages = []
    if column.version is not None:
        for said in first_conversations(column.version, column.asked["examples"]):
            found += said
    return found + said_before(column.asked, earlier)


def said_before(column: Mapping[str, Any], earlier: Iterable[Question]) -> Messages:
    """The turns that the same column answered with words: calls of tools that nobody ran lead
    nowhere.
    """
    found: Messages = []
    for question in earlier:
        answers = {answer.place: answer for answer in question.answers}
        for at, asked in enumerate(question.columns):
            if asked == column and at in answers and answers[at].text:
                found += [
                    {"role": "user", "content": question.text},
                    {"role": "assistant", "content": answers[at].text},
                ]
    return found


def system_of(question: Question) -> Messages:
    """The system prompt as a message, where one was given."""
    words = question.settings.get("system")
    return [{"role": "system", "content": words}] if words else []


def _request(question: Question, before: Messages, column: _Column) -> ChatRequest:
    chosen = question.settings
    return ChatRequest(
        model=column.asked["model"],
        messages=(*system_of(question), *before, {"role": "user", "content": question.text}),
        temperature=chosen.get("temperature"),
        top_p=chosen.get("top_p"),
        max_tokens=chosen.get("max_tokens"),
        seed=chosen.get("seed"),
        tools=tuple(chosen.get("tools") or ()),
        response_format=chosen.get("response_format"),
        counts=True,
        top_logprobs=LIKELIEST if chosen.get("logprobs") else None,
    )


class Told(NamedTuple):
    """A conversation with all that was asked in it."""

    conversation: Conversation
    questions: Sequence[Question]


def told(session: Session, conversation: Conversation) -> Told:
    """The conversation as it stands."""
    return Told(conversation, queries.questions_of(session, conversation.id))
