"""Decisions about evaluations after jobs: asked for, taken back, begun."""

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.budgets import telling
from app.budgets.standing import OverBudget
from app.core import clock, leases
from app.core.errors import Conflict, ProductError
from app.core.events import announce
from app.evaluations import service
from app.evaluations.after import queries
from app.evaluations.after.forms import AfterForm
from app.evaluations.after.models import JobEvaluation
from app.evaluations.forms import MOST_CONTESTANTS, ContestantForm, RunForm
from app.evaluations.golden.service import evaluation_of
from app.evaluations.models import EvaluationRun
from app.evaluations.queries import evaluation_by_id
from app.jobs.models import Job, JobStatus

LEASE_SECONDS = 120.0
ORIGIN = "when its job ended"
TWICE = "It is asked for already."
BEGUN = "It has begun; stop the run itself."
NO_MODEL = "The job made no model: nothing was run."


def ask(session: Session, job: Job, *, actor_id: int, form: AfterForm) -> JobEvaluation:
    """Have an evaluation run once a job has succeeded. Raises WrongInput, Conflict when it is asked
    for already.
    """
    evaluation = evaluation_of(session, job.project_id, form.evaluation_id)
    if queries.asked_for(session, job.id, evaluation.id) is not None:
        raise Conflict(TWICE)
    moment = clock.now(session)
    made = JobEvaluation(
        project_id=job.project_id,
        job_id=job.id,
        evaluation_id=evaluation.id,
        has_base=form.has_base,
        has_checkpoints=form.has_checkpoints,
        cap=form.cap_usd,
        created_by=actor_id,
        created_at=moment,
        due_at=moment,
    )
    session.add(made)
    session.flush()
    _record(session, job, "job.evaluation_asked", actor_id, evaluation.name)
    return made


def take_back(session: Session, row: JobEvaluation, *, actor_id: int) -> None:
    """Do not run it after all. Raises Conflict once it has begun."""
    if row.run_id is not None:
        raise Conflict(BEGUN)
    job = session.get_one(Job, row.job_id)
    evaluation = evaluation_by_id(session, row.evaluation_id)
    _record(
        session, job, "job.evaluation_taken_back", actor_id, evaluation.name if evaluation else ""
    )
    session.delete(row)
    session.flush()


def begin(session: Session, row_id: int) -> None:
    """Start the run of a job that has ended, once. What stands against it is written down."""
    fence = leases.claim(session, JobEvaluation, row_id, seconds=LEASE_SECONDS)
    if fence is None:
        return
    row = session.get_one(JobEvaluation, row_id, populate_existing=True)
    job = session.get_one(Job, row.job_id)
    if row.run_id is None and job.status in queries.ENDED:
        try:
            run = _started(session, row, job)
        except ProductError as error:
            row.words = error.message
            if isinstance(error, OverBudget) and row.created_by is not None:
                what = f"An evaluation of {job.name}"
                telling.tell_blocked(session, row.project_id, what, error, actor_id=row.created_by)
        else:
            row.run_id = run.id
    is_left = row.run_id is not None and row.has_checkpoints
    leases.settle(row, due_at=clock.now(session) if is_left else None)
    announce(session, f"job:{job.id}")


def _started(session: Session, row: JobEvaluation, job: Job) -> EvaluationRun:
    contestants = _contestants(session, row, job)
    evaluation = evaluation_by_id(session, row.evaluation_id)
    if not contestants or evaluation is None:
        raise Conflict(NO_MODEL)
    form = RunForm(contestants=contestants).model_copy(update={"cap_usd": row.cap})
    with session.begin_nested():
        return service.start_run(
            session,
            evaluation,
            actor_id=row.created_by,
            form=form,
            request_key=f"after:{row.id}",
            origin=ORIGIN,
        )


def _contestants(session: Session, row: JobEvaluation, job: Job) -> list[ContestantForm]:
    """The tuned model first, then its base, then the checkpoints, the last ones first."""
    model = queries.model_of(session, job.id)
    if job.status != JobStatus.SUCCEEDED or model is None:
        return []
    at = model.ref.connection_id
    found = [ContestantForm(connection_id=at, model=model.ref.name)]
    if row.has_base:
        found.append(ContestantForm(connection_id=at, model=model.base_model))
    if row.has_checkpoints:
        found += [
            ContestantForm(connection_id=at, model=one.name, name=f"Step {one.step:,}")
            for one in queries.checkpoints_of(session, job.id)
            if one.name != model.ref.name
        ]
    return found[:MOST_CONTESTANTS]


def _record(session: Session, job: Job, verb: str, actor_id: int, name: str) -> None:
    auth.record(
        session,
        verb,
        f"job:{job.id}",
        actor_id=actor_id,
        project_id=job.project_id,
        name=job.name,
        evaluation=name,
    )
