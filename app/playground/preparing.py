"""From a question to what each of its models is asked: examples, what was said before, settings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.connections import queries as connections
from app.connections.models import Connection
from app.core.database import read_only
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion
from app.datasets.rows import first_conversations
from app.playground import queries
from app.playground.forms import AskForm
from app.playground.models import Conversation, Question
from app.providers.base import ChatRequest

# Of each token the likeliest in its place; providers give at most 20.
LIKELIEST = 5

Messages = list[Mapping[str, Any]]


class Wanted(NamedTuple):
    """What is asked of which models, whether or not it is written down yet."""

    text: str
    columns: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]


class Planned(NamedTuple):
    """What one column is to be asked; without a connection there is nobody to ask."""

    place: int
    connection: Connection | None
    request: ChatRequest


class Asking(NamedTuple):
    """One column about to be asked, with the ticket of the answer that is written down."""

    ticket: str
    planned: Planned

    @property
    def place(self) -> int:
        """Which column it is, from 0."""
        return self.planned.place


class _Column(NamedTuple):
    asked: Mapping[str, Any]
    connection: Connection | None
    version: DatasetVersion | None


def wanted_of(form: AskForm) -> Wanted:
    """What a form asks, as a question keeps it."""
    columns = [one.model_dump(exclude_none=True) for one in form.columns]
    return Wanted(form.text, columns, form.settings.model_dump(exclude_none=True))


def wanted_again(question: Question) -> Wanted:
    """What a question asked."""
    return Wanted(question.text, question.columns, question.settings)


def plan(
    project_id: int, wanted: Wanted, earlier: Sequence[Question], *, place: int | None = None
) -> list[Planned]:
    """What the columns are to be asked, or the one at `place`, after `earlier` questions. Reads
    files: no session may be open. Raises Gone where the examples of a column are.
    """
    with read_only() as session:
        columns = [_column(session, project_id, asked) for asked in wanted.columns]
    return [
        Planned(at, column.connection, _request(wanted, _before(column, earlier), column))
        for at, column in enumerate(columns)
        if place in {None, at}
    ]


def _column(session: Session, project_id: int, asked: Mapping[str, Any]) -> _Column:
    version_id = asked.get("examples_from")
    return _Column(
        asked,
        connections.connection_in(session, project_id, asked["connection_id"]),
        datasets.version_in(session, project_id, version_id) if version_id else None,
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


def system_of(settings: Mapping[str, Any]) -> Messages:
    """The system prompt as a message, where one was given."""
    words = settings.get("system")
    return [{"role": "system", "content": words}] if words else []


def _request(wanted: Wanted, before: Messages, column: _Column) -> ChatRequest:
    chosen = wanted.settings
    return ChatRequest(
        model=column.asked["model"],
        messages=(*system_of(chosen), *before, {"role": "user", "content": wanted.text}),
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
