"""Every select that asks whether the ledger fits what was ordered."""

from sqlalchemy import ColumnElement, String, and_, cast, literal, or_, select
from sqlalchemy.orm import Session

from app.budgets.models import Spend, SpendState
from app.jobs import spending
from app.jobs.models import ENDED, Job, JobStatus
from app.upkeep.queries import count
from app.upkeep.queries_invariants import STARTED_HERE, Looked

OVER = [*ENDED, JobStatus.VANISHED]
IS_RESERVED = Spend.state == SpendState.RESERVED


def _row_of_job() -> ColumnElement[bool]:
    return Spend.key == literal("job:") + cast(Job.id, String)


def rows_that_do_not_fit(session: Session) -> Looked:
    """Jobs asked for here without their one row of the ledger, of their project, with the estimate
    set aside until they have ended and not after; jobs from elsewhere that have one; and rows that
    would give money back.
    """
    wrong = or_(
        Spend.id.is_(None) == STARTED_HERE,
        Spend.project_id != Job.project_id,
        and_(IS_RESERVED, Job.status.in_(OVER)),
        and_(~IS_RESERVED, Job.status.not_in(OVER)),
    )
    unfit = session.scalars(select(Job.id).outerjoin(Spend, _row_of_job()).where(wrong))
    found = [f"job {job_id}: its row of the ledger does not fit" for job_id in unfit]
    held = select(Job, Spend).join(Spend, _row_of_job()).where(IS_RESERVED)
    found += [
        f"job {job.id}: another sum than its estimate is set aside"
        for job, spend in session.execute(held)
        if not spending.is_set_aside(job, spend.reserved)
    ]
    less = session.scalars(select(Spend.key).where(or_(Spend.reserved < 0, Spend.spent < 0)))
    return count(session, Spend), found + [f"{key} is less than nothing" for key in less]
