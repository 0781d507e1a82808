"""What is asked again by itself, and what each time came to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.leases import Leased
from app.core.orm import Base, Id
from app.evaluations.models import Contestant, Evaluation, EvaluationRun


class Every(StrEnum):
    """How often a model is asked again."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class ScheduleStatus(StrEnum):
    """Whether a model is asked again. `paused_by` says what it waits for: a `person`, the `key`."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class Schedule(Leased, Base):
    """A contestant of a run that is asked the same again every so often; what it answered then is
    the baseline. Each time may cost `cap` millionths of a dollar.

    `due_at` is the next moment. All are counted from `begins_at`, so that they do not wander.
    `created_by` answers for it: who set it, or let it go on last. `words` say why it waits or has
    ended.
    """

    __tablename__ = "evaluation_schedules"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    evaluation_id: Mapped[int] = mapped_column(
        ForeignKey("evaluations.id", ondelete="CASCADE"), index=True
    )
    baseline_id: Mapped[int] = mapped_column(
        ForeignKey("contestants.id", ondelete="CASCADE"), unique=True
    )
    every: Mapped[str] = mapped_column(String(8))
    cap: Mapped[int | None]
    begins_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(16))
    paused_by: Mapped[str | None] = mapped_column(String(16))
    words: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]

    evaluation: Mapped[Evaluation] = relationship(lazy="raise")
    baseline: Mapped[Contestant] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")


class Look(Leased, Base):
    """One moment of a schedule: the run that began at it, or the `words` why none did, or why it is
    not compared.

    `drift` is an `evidence.Drift` as JSON, `scores` the `evidence.Estimate` of the model and of the
    baseline; null until the run is over and compared. The lease is that of the comparing.
    """

    __tablename__ = "evaluation_looks"
    __table_args__ = (UniqueConstraint("schedule_id", "moment"),)

    id: Mapped[Id]
    schedule_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_schedules.id", ondelete="CASCADE")
    )
    moment: Mapped[datetime]
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="SET NULL"), index=True
    )
    words: Mapped[str | None] = mapped_column(Text)
    drift: Mapped[dict[str, Any] | None]
    scores: Mapped[list[Any] | None]
    created_at: Mapped[datetime]

    run: Mapped[EvaluationRun | None] = relationship(lazy="raise")
