"""What jobs take of their project's budget: set aside with the order, counted when it is over.

A job has one row of the ledger, `job:12`. A run too many that was billed has one of its own,
`run:3:ftjob-…`. What came home from elsewhere has none: nothing was paid for it here.
"""

from typing import Any

from sqlalchemy.orm import Session

from app.budgets import ledger
from app.budgets.ledger import PaidThing
from app.budgets.money import cost_of
from app.budgets.standing import month_of
from app.catalog.prices import training_price
from app.connections.models import Connection
from app.core import clock
from app.jobs import queries_orders
from app.jobs.costs import share_done
from app.jobs.models import Job, JobStatus
from app.providers.base import RunReport

VANISHED = "The provider no longer knows the run: the estimate is kept until somebody says."
NOBODY_KNOWS = "Nobody knows whether it ran: the estimate is kept until somebody says."
NOT_REPORTED = "The provider did not say how many tokens were trained on: counted by estimate."
NO_PRICE = "Its price is not in the price book."
NOT_ORDERED = "Nothing was billed."
COUNTED_THERE = "Its run showed up, and is counted by itself."
ADOPTED = "It is a job's own run now, and counted there."
TOO_MANY = "A run too many. It was billed for what it trained."
TOKENS_UNKNOWN = "A run too many. The provider did not say what it trained."


def key_of(job_id: int) -> str:
    """The key of a job's row in the ledger."""
    return f"job:{job_id}"


def amount_of(estimate: dict[str, Any]) -> int | None:
    """An estimate in millionths of a dollar; None where the price is not known."""
    per_million, tokens = estimate.get("per_million"), estimate.get("billed_tokens")
    if per_million == 0:
        return 0
    if per_million is None or tokens is None:
        return None
    return cost_of(tokens, per_million)


def is_set_aside(job: Job, reserved: int | None) -> bool:
    """Whether so much is the job's estimate, once or for each of its orders."""
    estimated = amount_of(job.estimate)
    if not estimated or not reserved:
        return reserved == estimated
    return reserved % estimated == 0


def reserve(session: Session, job: Job) -> None:
    """Set the estimate aside. Raises OverBudget."""
    thing = PaidThing(job.project_id, key_of(job.id), job.name, key_of(job.id), job.created_by)
    ledger.reserve(session, thing, amount_of(job.estimate))


def reserve_again(session: Session, job: Job) -> None:
    """Another order goes out, and the first one may have been taken. Raises OverBudget."""
    ledger.reserve_more(session, key_of(job.id), amount_of(job.estimate))


def reopen(session: Session, job: Job, run_id: str) -> None:
    """A job that had ended goes on with a run that showed up."""
    ledger.reopen(session, key_of(job.id), amount_of(job.estimate))
    ledger.release(session, _run_key(job.connection_id, run_id), ADOPTED)


def close(session: Session, job: Job) -> None:
    """The job has ended: count what was billed, as far as anybody knows."""
    key, estimated = key_of(job.id), amount_of(job.estimate)
    if job.status == JobStatus.VANISHED:
        ledger.settle(session, key, estimated, is_guess=True, words=VANISHED)
    elif job.run_id is not None:
        _close_run(session, job, estimated)
    elif orders := len(queries_orders.unproved_attempts(session, job.id)):
        most = None if estimated is None else estimated * orders
        ledger.settle(session, key, most, is_guess=most != 0, words=NOBODY_KNOWS)
    else:
        ledger.release(session, key, NOT_ORDERED)


def _close_run(session: Session, job: Job, estimated: int | None) -> None:
    key, per_million = key_of(job.id), job.estimate.get("per_million")
    if per_million is None:
        ledger.settle(session, key, None, words=NO_PRICE)
    elif job.trained_tokens is not None or not estimated:
        ledger.settle(session, key, cost_of(job.trained_tokens or 0, per_million))
    else:
        share = 1.0 if job.status == JobStatus.SUCCEEDED else share_done(job)
        billed = round(job.estimate["billed_tokens"] * min(share, 1.0))
        guess = cost_of(billed, per_million)
        ledger.settle(session, key, guess, is_guess=guess > 0, words=NOT_REPORTED)


def count_spare(session: Session, job_id: int, run: RunReport) -> None:
    """Count a run that was cancelled because its job has another."""
    job = session.get_one(Job, job_id)
    count_run(session, session.get_one(Connection, job.connection_id), job, run)


def count_run(session: Session, connection: Connection, job: Job | None, run: RunReport) -> None:
    """Count a run that carries our tag and is no job's own, once it has ended. The price is the
    job's, of the day it was asked for; without a job today's.
    """
    if not run.status.has_ended:
        return
    price = training_price(session, connection.profile, run.base_model) if job is None else None
    per_million = job.estimate.get("per_million") if job else price and price.per_million
    if per_million == 0:
        return
    is_known = per_million is not None and run.trained_tokens is not None
    amount = cost_of(run.trained_tokens or 0, per_million or 0) if is_known else None
    ordered_at = job.created_at if job else run.created_at or clock.now(session)
    thing = PaidThing(
        connection.project_id,
        _run_key(connection.id, run.run_id),
        f"Run {run.run_id}" + (f" of {job.name}" if job else ""),
        key_of(job.id) if job else f"connection:{connection.id}",
    )
    words = TOO_MANY if run.trained_tokens is not None else TOKENS_UNKNOWN
    ledger.count_billed(session, thing, amount, month=month_of(ordered_at), words=words)
    if job is None:
        return
    if job.run_id is None and job.has_ended and amount is not None:
        ledger.release(session, key_of(job.id), COUNTED_THERE)
    elif not job.has_ended:
        ledger.lower(session, key_of(job.id), amount_of(job.estimate))


def _run_key(connection_id: int, run_id: str) -> str:
    return f"run:{connection_id}:{run_id}"
