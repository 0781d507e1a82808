"""Every select about evaluations after jobs."""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from app.catalog.models import ModelRef, TunedModel
from app.core import leases
from app.evaluations.after.models import JobEvaluation
from app.evaluations.golden.queries import OVER
from app.evaluations.models import EvaluationRun
from app.jobs.models import Checkpoint, Job, JobStatus

ENDED = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.VANISHED)


def of_job(session: Session, job_id: int) -> Sequence[JobEvaluation]:
    """What is to be evaluated after a job, with evaluations and runs."""
    query = select(JobEvaluation).where(JobEvaluation.job_id == job_id)
    query = query.options(joinedload(JobEvaluation.evaluation), joinedload(JobEvaluation.run))
    return session.scalars(query.order_by(JobEvaluation.id)).all()


def asked_for(session: Session, job_id: int, evaluation_id: int) -> JobEvaluation | None:
    """Whether this evaluation is asked for after this job already."""
    query = select(JobEvaluation).where(
        JobEvaluation.job_id == job_id, JobEvaluation.evaluation_id == evaluation_id
    )
    return session.scalar(query)


def by_id(session: Session, row_id: int) -> JobEvaluation | None:
    """The row, whichever project's: the caller checks."""
    return session.get(JobEvaluation, row_id)


def due(session: Session) -> Sequence[int]:
    """Those whose job has ended, and those whose run is over."""
    jobs = select(Job.id).where(Job.status.in_(ENDED))
    runs = select(EvaluationRun.id).where(EvaluationRun.status.in_(OVER))
    is_next = or_(
        and_(JobEvaluation.run_id.is_(None), JobEvaluation.job_id.in_(jobs)),
        JobEvaluation.run_id.in_(runs),
    )
    return leases.due_ids(session, JobEvaluation, is_next)


def model_of(session: Session, job_id: int) -> TunedModel | None:
    """The model that a job made."""
    query = select(TunedModel).where(TunedModel.job_id == job_id)
    return session.scalar(query.options(joinedload(TunedModel.ref).joinedload(ModelRef.connection)))


def checkpoints_of(session: Session, job_id: int) -> Sequence[Checkpoint]:
    """A job's checkpoints, the last first."""
    query = select(Checkpoint).where(Checkpoint.job_id == job_id)
    return session.scalars(query.order_by(Checkpoint.step.desc())).all()
