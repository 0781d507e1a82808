"""Decisions about conversations: what is asked, what is kept of the answers, who else may read."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import queries as connections
from app.core import clock
from app.core.errors import Conflict, WrongInput
from app.datasets import queries as datasets
from app.datasets.models import VersionStatus
from app.playground import queries
from app.playground.forms import AskForm, Column
from app.playground.models import TITLE_LENGTH, Answer, Conversation, Question

MOST_QUESTIONS = 200


def begin(session: Session, *, project_id: int, user_id: int, form: AskForm) -> Question:
    """A new conversation with its first question. Raises WrongInput for what is not there."""
    _check_columns(session, project_id, form.columns)
    moment = clock.now(session)
    conversation = Conversation(
        project_id=project_id,
        title=_title(form.text),
        created_by=user_id,
        created_at=moment,
        changed_at=moment,
    )
    session.add(conversation)
    session.flush()
    return _add_question(session, conversation, 1, form)


def ask(session: Session, conversation: Conversation, form: AskForm) -> Question:
    """The next question; or one in the place of an earlier one, and what came after that is
    dropped. Raises WrongInput, and Conflict where a conversation is too long.
    """
    _check_columns(session, conversation.project_id, form.columns)
    before = queries.questions_of(session, conversation.id)
    number = form.number or len(before) + 1
    if number > len(before) + 1:
        raise WrongInput.field("number", f"The conversation has {len(before)} questions.")
    if number > MOST_QUESTIONS:
        raise Conflict(f"A conversation has at most {MOST_QUESTIONS} questions. Begin a new one.")
    for question in before[number - 1 :]:
        session.delete(question)
    session.flush()
    conversation.changed_at = clock.now(session)
    if number == 1:
        conversation.title = _title(form.text)
    return _add_question(session, conversation, number, form)


def _add_question(
    session: Session, conversation: Conversation, number: int, form: AskForm
) -> Question:
    question = Question(
        project_id=conversation.project_id,
        conversation_id=conversation.id,
        number=number,
        text=form.text,
        columns=[one.model_dump(exclude_none=True) for one in form.columns],
        settings=form.settings.model_dump(exclude_none=True),
        asked_at=clock.now(session),
    )
    session.add(question)
    session.flush()
    return question


def _title(text: str) -> str:
    words = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1] + "…"


def _check_columns(session: Session, project_id: int, columns: Sequence[Column]) -> None:
    for place, column in enumerate(columns):
        if connections.connection_in(session, project_id, column.connection_id) is None:
            raise WrongInput.field(
                f"columns.{place}.connection_id", "The project has no such connection."
            )
        if column.examples_from is not None:
            version = datasets.version_in(session, project_id, column.examples_from)
            if version is None or version.format != "chat" or version.status != VersionStatus.READY:
                raise WrongInput.field(
                    f"columns.{place}.examples_from",
                    "The project has no such version of a chat dataset that is ready.",
                )


def keep_answer(session: Session, *, question_id: int, place: int, came: dict[str, Any]) -> Answer:
    """Write down what came of a column, in the place of what came before. Raises Conflict where the
    question was dropped meanwhile.
    """
    if session.get(Question, question_id) is None:
        raise Conflict("The question was dropped while it was answered.")
    before = queries.answer_at(session, question_id, place)
    if before is not None:
        session.delete(before)
        session.flush()
    moment = clock.now(session)
    answer = Answer(question_id=question_id, place=place, answered_at=moment, **came)
    session.add(answer)
    session.flush()
    return answer


def share(session: Session, conversation: Conversation, *, actor_id: int) -> None:
    """Let the project's members read it, as it is and as it goes on."""
    if conversation.shared_at is None:
        conversation.shared_at = clock.now(session)
        _record(session, conversation, "conversation.shared", actor_id, name=conversation.title)


def unshare(session: Session, conversation: Conversation, *, actor_id: int) -> None:
    """Keep it to oneself again."""
    if conversation.shared_at is not None:
        conversation.shared_at = None
        _record(session, conversation, "conversation.unshared", actor_id)


def delete(session: Session, conversation: Conversation, *, actor_id: int) -> None:
    """Forget it with all its answers."""
    _record(session, conversation, "conversation.deleted", actor_id)
    session.delete(conversation)
    session.flush()


def _record(
    session: Session, conversation: Conversation, verb: str, actor_id: int, **detail: Any
) -> None:
    auth.record(
        session,
        verb,
        f"conversation:{conversation.id}",
        actor_id=actor_id,
        project_id=conversation.project_id,
        **detail,
    )
