"""Decisions about conversations: what is asked, what is kept of the answers, who else may read."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import queries as connections
from app.core import clock
from app.core.errors import Conflict, NotFound, WrongInput
from app.datasets import queries as datasets
from app.datasets.models import VersionStatus
from app.playground import queries
from app.playground.forms import AskForm, Column
from app.playground.models import (
    ARRIVING,
    STOPPING,
    TITLE_LENGTH,
    Answer,
    Conversation,
    Question,
)

MOST_QUESTIONS = 200
SILENT_SECONDS = 30.0
CUT_OFF = "Luthier was stopped while this was answered. What came until then is kept."


def begin(session: Session, *, project_id: int, user_id: int, form: AskForm) -> Question:
    """A new conversation with its first question."""
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


def check_columns(session: Session, project_id: int, columns: Sequence[Column]) -> None:
    """Raises WrongInput for what the project does not have."""
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


def open_answers(session: Session, question: Question, places: Iterable[int]) -> dict[int, str]:
    """Answers that are about to arrive, each in the place of what came before: their tickets by
    place. Whoever still listens for an earlier one finds that it is no longer wanted.
    """
    tickets = {place: uuid4().hex for place in places}
    for earlier in queries.answers_of(session, question.id):
        if earlier.place in tickets:
            session.delete(earlier)
    session.flush()
    moment = clock.now(session)
    session.add_all(
        Answer(
            question_id=question.id, place=place, state=ARRIVING, text="", calls=[], total_ms=0,
            answered_at=moment, ticket=ticket,
        )
        for place, ticket in tickets.items()
    )  # fmt: skip
    session.flush()
    return tickets


def keep_arriving(session: Session, came: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Write down what came of answers so far, by ticket, and give back the tickets of those that
    are still wanted.
    """
    moment, wanted = clock.now(session), set()
    for ticket, columns in came.items():
        kept = update(Answer).where(Answer.ticket == ticket, Answer.state == ARRIVING)
        done = session.execute(kept.values(answered_at=moment, **columns))
        if cast("CursorResult[Any]", done).rowcount:
            wanted.add(ticket)
    return wanted


def keep_answer(session: Session, ticket: str, came: Mapping[str, Any]) -> Answer | None:
    """Write down what came of a column in the end; None where it was dropped meanwhile."""
    answer = queries.answer_with(session, ticket)
    if answer is not None:
        for name, value in came.items():
            setattr(answer, name, value)
        answer.answered_at, answer.ticket = clock.now(session), None
        session.flush()
    return answer


def stop(session: Session, conversation: Conversation, *, number: int, place: int) -> None:
    """Stop one answer; whoever listens to the model sees that within a second or so. One that has
    ended stays as it is. Raises NotFound.
    """
    question = queries.question_numbered(session, conversation.id, number)
    if question is None or place >= len(question.columns):
        raise NotFound
    arriving = (Answer.question_id == question.id, Answer.place == place, Answer.state == ARRIVING)
    session.execute(update(Answer).where(*arriving).values(state=STOPPING))


def cut_off(session: Session, answer_id: int) -> None:
    """Nobody listens to the model any more: what came stays, and a person may ask again."""
    answer = queries.silent_answer(session, answer_id, since=silent_since(session))
    if answer is not None:
        answer.state, answer.error, answer.ticket = "cut", CUT_OFF, None


def silent_since(session: Session) -> datetime:
    """What was last written before then is listened to by nobody."""
    return clock.later(session, -SILENT_SECONDS)


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
