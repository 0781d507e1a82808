"""Every select about conversations, and about what can be talked to."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, or_, select
from sqlalchemy.orm import Session, defer, joinedload, selectinload

from app.budgets.models import Spend, SpendState
from app.catalog.models import BaseModel, ModelRef, TunedModel
from app.connections.models import Connection
from app.datasets.models import DatasetVersion
from app.jobs.models import Checkpoint, Job
from app.playground.models import SPEND_KEY, Answer, Conversation, Question

MOST_OFFERED = 200


def _is_seen_by(user_id: int) -> ColumnElement[bool]:
    return or_(Conversation.created_by == user_id, Conversation.shared_at.is_not(None))


def ids_of_conversations(project_id: int, user_id: int) -> Select[int]:
    """The ids of a project's conversations that this person began or that are shared."""
    return select(Conversation.id).where(
        Conversation.project_id == project_id, _is_seen_by(user_id)
    )


def conversations_by_ids(
    session: Session, project_id: int, ids: Sequence[int]
) -> Sequence[Conversation]:
    """Those of the ids that are conversations of the project, in the order of the ids, with their
    questions; the caller has checked who may see them.
    """
    rows = session.scalars(
        select(Conversation)
        .where(Conversation.project_id == project_id, Conversation.id.in_(ids))
        .options(joinedload(Conversation.creator), selectinload(Conversation.questions))
    )
    found = {one.id: one for one in rows}
    return [found[row_id] for row_id in ids if row_id in found]


def conversation_by_id(session: Session, conversation_id: int) -> Conversation | None:
    """The conversation with its maker, whichever project and whoever's: the caller checks."""
    return session.scalar(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        .options(joinedload(Conversation.creator))
    )


def questions_of(session: Session, conversation_id: int) -> Sequence[Question]:
    """What was asked, with the answers, the first first."""
    return session.scalars(
        select(Question)
        .where(Question.conversation_id == conversation_id)
        .options(selectinload(Question.answers))
        .order_by(Question.number)
    ).all()


def question_numbered(session: Session, conversation_id: int, number: int) -> Question | None:
    """The question of this number."""
    return session.scalar(
        select(Question).where(
            Question.conversation_id == conversation_id, Question.number == number
        )
    )


def answer_with(session: Session, ticket: str) -> Answer | None:
    """The answer that arrives under this ticket."""
    return session.scalar(select(Answer).where(Answer.ticket == ticket))


def ids_of_silent_answers(session: Session, since: datetime) -> Sequence[int]:
    """Answers that have not ended and were last written before that moment."""
    silent = (Answer.ticket.is_not(None), Answer.answered_at < since)
    return session.scalars(select(Answer.id).where(*silent)).all()


def silent_answer(session: Session, answer_id: int, *, since: datetime) -> Answer | None:
    """One of those, held until the unit of work ends."""
    silent = (Answer.id == answer_id, Answer.ticket.is_not(None), Answer.answered_at < since)
    return session.scalar(select(Answer).where(*silent).with_for_update())


def ids_of_lost_spends(session: Session, since: datetime) -> Sequence[int]:
    """Rows of the ledger, set aside before that moment, of answers that are gone or have ended."""
    return session.scalars(select(Spend.id).where(*_is_lost(since))).all()


def lost_spend(session: Session, spend_id: int, *, since: datetime) -> Spend | None:
    """One of those."""
    return session.scalar(select(Spend).where(Spend.id == spend_id, *_is_lost(since)))


def _is_lost(since: datetime) -> tuple[ColumnElement[bool], ...]:
    listened_to = select(literal(SPEND_KEY) + Answer.ticket).where(Answer.ticket.is_not(None))
    return (
        Spend.state == SpendState.RESERVED,
        Spend.key.startswith(SPEND_KEY, autoescape=True),
        Spend.created_at < since,
        Spend.key.not_in(listened_to),
    )


def answers_of(session: Session, question_id: int) -> Sequence[Answer]:
    """What came of a question, by place."""
    query = select(Answer).where(Answer.question_id == question_id)
    return session.scalars(query.options(defer(Answer.chances)).order_by(Answer.place)).all()


def has_conversations(session: Session, project_id: int, user_id: int) -> bool:
    """True when there is any that this person may see."""
    return session.scalar(ids_of_conversations(project_id, user_id).limit(1)) is not None


def trained_with(
    session: Session, project_id: int, names: Collection[str]
) -> dict[tuple[int, str], tuple[dict[str, Any], int]]:
    """The reports of what these models learned from and how many rows that was, by connection and
    name; a job's checkpoints learned from the same.
    """
    tuned = select(
        ModelRef.connection_id, ModelRef.name, DatasetVersion.report, DatasetVersion.rows
    )
    found = session.execute(
        tuned.join(TunedModel, TunedModel.model_ref_id == ModelRef.id)
        .join(DatasetVersion, DatasetVersion.id == TunedModel.dataset_version_id)
        .where(TunedModel.project_id == project_id, ModelRef.name.in_(names))
    ).all()
    saved = session.execute(
        select(Job.connection_id, Checkpoint.name, DatasetVersion.report, DatasetVersion.rows)
        .join(Checkpoint, Checkpoint.job_id == Job.id)
        .join(DatasetVersion, DatasetVersion.id == Job.training_version_id)
        .where(Job.project_id == project_id, Checkpoint.name.in_(names))
    ).all()
    return {
        (place, name): (report or {}, rows or 0) for place, name, report, rows in (*found, *saved)
    }


def connections_unread(session: Session, project_id: int) -> Sequence[int]:
    """The ids of a project's connections whose models nobody has asked for yet."""
    read = select(BaseModel.connection_id)
    return session.scalars(
        select(Connection.id)
        .where(
            Connection.project_id == project_id,
            Connection.refused_at.is_(None),
            Connection.id.not_in(read),
        )
        .order_by(Connection.id)
    ).all()
