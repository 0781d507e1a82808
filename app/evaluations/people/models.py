"""Rounds of grading by people: what is graded, who was asked, what each of them said."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.orm import Base, Id
from app.evaluations.models import EvaluationRun

LABEL_LENGTH = 120


class RoundKind(StrEnum):
    """What a person is shown: one answer to grade, or two to choose between."""

    GRADES = "grades"
    DUELS = "duels"


class Round(Base):
    """Answers of a run that people grade, or pairs of them. `number` counts a run's rounds from 1.

    What is shown never changes: `items` things, in an order of each person's own that follows from
    `seed`. One that `per_item` people graded is not shown to others. Of `labels`, those that are
    `passing` mean a good answer; of a duel they are the sides, "first" being the contestant with
    the lower place, and "tie". A round that is closed takes nothing more.
    """

    __tablename__ = "grading_rounds"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    run_id: Mapped[int] = mapped_column(ForeignKey("evaluation_runs.id", ondelete="CASCADE"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    question: Mapped[str] = mapped_column(Text)
    labels: Mapped[list[Any]]
    passing: Mapped[list[Any]]
    shows_reference: Mapped[bool]
    per_item: Mapped[int]
    items: Mapped[int]
    seed: Mapped[int]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    run: Mapped[EvaluationRun] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")


class RoundResult(Base):
    """What is shown as the item of this number. Results of one case whose answers are word for word
    the same share a number: they are graded once. Of a duel there are two sides, 0 the first.
    """

    __tablename__ = "round_results"

    round_id: Mapped[int] = mapped_column(
        ForeignKey("grading_rounds.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    result_id: Mapped[int] = mapped_column(
        ForeignKey("results.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    side: Mapped[int]


class RoundPerson(Base):
    """Somebody who was asked to grade, or who began by themselves (`asked_by` is null then). From
    `done_at` on they know what others said, and grade no more.
    """

    __tablename__ = "round_people"

    round_id: Mapped[int] = mapped_column(
        ForeignKey("grading_rounds.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    asked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise", foreign_keys=[user_id])


class PersonsGrade(Base):
    """What a person said of an item; without a label they passed it over. `step` counts what they
    said in the round, so that the last can be taken back. `is_swapped`: of a duel, the first stood
    on the right.
    """

    __tablename__ = "persons_grades"
    __table_args__ = (UniqueConstraint("round_id", "user_id", "step"),)

    round_id: Mapped[int] = mapped_column(
        ForeignKey("grading_rounds.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int]
    label: Mapped[str | None] = mapped_column(String(LABEL_LENGTH))
    is_swapped: Mapped[bool]
    note: Mapped[str] = mapped_column(Text)
    given_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="raise")
