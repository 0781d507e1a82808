"""Recordings of what a model answered while it lasted, and successors held against them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.leases import Leased
from app.core.orm import Base, Id
from app.evaluations.models import EvaluationRun


class GoldenRecording(Leased, Base):
    """A run that is kept for ever: one model's answers to an evaluation's cases, several to each.

    `noise` is its `evidence.Flakiness` as JSON, null until the run is over and it is reckoned: the
    lease is that of the reckoning.
    """

    __tablename__ = "golden_recordings"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="RESTRICT"), unique=True
    )
    model_id: Mapped[int | None] = mapped_column(
        ForeignKey("tuned_models.id", ondelete="SET NULL"), index=True
    )
    noise: Mapped[dict[str, Any] | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]

    run: Mapped[EvaluationRun] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")


class SuccessionCheck(Leased, Base):
    """A run that asks another model the same as often, to be at most `margin` worse (a share of 1).

    `verdict` is an `evidence.NonInferiority` as JSON, null until the run is over.
    """

    __tablename__ = "succession_checks"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    recording_id: Mapped[int] = mapped_column(
        ForeignKey("golden_recordings.id", ondelete="RESTRICT"), index=True
    )
    run_id: Mapped[int] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="CASCADE"), unique=True
    )
    margin: Mapped[float]
    verdict: Mapped[dict[str, Any] | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]

    run: Mapped[EvaluationRun] = relationship(lazy="raise")
