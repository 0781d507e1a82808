"""What is to be evaluated when a job has ended."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.leases import Leased
from app.core.orm import Base, Id
from app.evaluations.models import Evaluation, EvaluationRun
from app.jobs.models import Job


class JobEvaluation(Leased, Base):
    """An evaluation that runs once its job has succeeded: the tuned model, the base and the
    checkpoints where they are asked for, up to `cap` millionths of a dollar.

    It is due until the job has ended, and again until the run has and a checkpoint is recommended:
    `advice` is that as JSON. `words` say why nothing was run.
    """

    __tablename__ = "job_evaluations"
    __table_args__ = (UniqueConstraint("job_id", "evaluation_id"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    evaluation_id: Mapped[int] = mapped_column(
        ForeignKey("evaluations.id", ondelete="CASCADE"), index=True
    )
    has_base: Mapped[bool]
    has_checkpoints: Mapped[bool]
    cap: Mapped[int | None]
    run_id: Mapped[int | None] = mapped_column(
        ForeignKey("evaluation_runs.id", ondelete="SET NULL"), index=True
    )
    words: Mapped[str | None] = mapped_column(Text)
    advice: Mapped[dict[str, Any] | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]

    job: Mapped[Job] = relationship(lazy="raise")
    evaluation: Mapped[Evaluation] = relationship(lazy="raise")
    run: Mapped[EvaluationRun | None] = relationship(lazy="raise")
