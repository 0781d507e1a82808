"""Conversations with several models at once: a question goes to all of them, each answers in a
column of its own.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.orm import Base, Id

TITLE_LENGTH = 120
LONGEST_NAME = 255
ARRIVING, STOPPING = "arriving", "stopping"
# What an arriving answer takes of the budget is called so, with its ticket.
SPEND_KEY = "answer:"


class Conversation(Base):
    """What one person asked. Nobody else knows of it until it is shared with the project."""

    __tablename__ = "conversations"
    __table_args__ = (Index(None, "project_id", "created_by"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    shared_at: Mapped[datetime | None]

    creator: Mapped[User | None] = relationship(lazy="raise")
    questions: Mapped[list["Question"]] = relationship(
        lazy="raise", order_by="Question.number", passive_deletes="all"
    )


class Question(Base):
    """One message to all columns. `columns` are the models asked (`forms.Column`), `settings` how
    they were to answer (`forms.Settings`).
    """

    __tablename__ = "questions"
    __table_args__ = (UniqueConstraint("conversation_id", "number"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    columns: Mapped[list[Any]]
    settings: Mapped[dict[str, Any]]
    asked_at: Mapped[datetime]

    answers: Mapped[list["Answer"]] = relationship(
        lazy="raise", order_by="Answer.place", passive_deletes="all"
    )


class Answer(Base):
    """What came of one column, written about every second and when it ended: `state` is arriving,
    stopping (somebody said so), done, cut (stopped, whoever asked had gone, or it was too long) or
    failed. Until it ends it has the `ticket` of whoever listens to the model; `answered_at` is when
    it was last written. `chances` holds `[token, logprob, [[token, logprob], …]]` of its
    first tokens, where they were asked for and told. Times are milliseconds since the question was
    sent, `price` US dollars; what is not known is null.
    """

    __tablename__ = "answers"
    __table_args__ = (UniqueConstraint("question_id", "place"),)

    id: Mapped[Id]
    question_id: Mapped[int] = mapped_column(ForeignKey("questions.id", ondelete="CASCADE"))
    place: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    calls: Mapped[list[Any]]
    chances: Mapped[list[Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    finish_reason: Mapped[str | None] = mapped_column(String(64))
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    first_ms: Mapped[int | None]
    total_ms: Mapped[int]
    price: Mapped[float | None]
    answered_at: Mapped[datetime]
    ticket: Mapped[str | None] = mapped_column(String(32), unique=True)

    @property
    def has_ended(self) -> bool:
        """False while something may still come."""
        return self.ticket is None
