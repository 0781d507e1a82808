"""Every select that asks whether what must be true is: how many were looked at, and in words those
that break it.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    String,
    Subquery,
    and_,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from app.auth.models import Activity
from app.connections.models import Connection
from app.core import clock, heartbeat, instance
from app.core.instance import ONLY, Instance
from app.core.leases import POISON_AFTER, is_due
from app.jobs.looks import LOOKS
from app.jobs.models import ENDED, WAITING, Job, JobStatus, MetricChunk, Orphan, StartAttempt
from app.jobs.orphans import AFTER, EVERY_SECONDS
from app.jobs.starts import LEASE_SECONDS
from app.settings import settings
from app.upkeep.queries import count, leased_models

Looked = tuple[int, list[str]]

TTL_SLACK = timedelta(seconds=60)
LATE = timedelta(minutes=2)
# What may come of an order that was neither refused nor kept back: a run.
PERHAPS_A_RUN = or_(
    StartAttempt.outcome.is_(None), StartAttempt.outcome.not_in(("not_sent", "refused"))
)
STARTED_HERE = Job.rescued_at.is_(None)


def jobs_in_no_state(session: Session) -> Looked:
    """Jobs whose state is unknown or does not fit their run."""
    needs_run = Job.status.in_((JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.SUCCEEDED))
    wrong = or_(
        Job.status.not_in(list(JobStatus)),
        and_(needs_run, Job.run_id.is_(None)),
        and_(Job.status.in_(ENDED), Job.ended_at.is_(None)),
        and_(Job.status.in_(WAITING), or_(Job.run_id.is_not(None), Job.due_at.is_(None))),
    )
    return count(session, Job), _jobs(session, select(Job.id).where(wrong))


def jobs_ordered_twice(session: Session) -> Looked:
    """Jobs of which two orders were accepted and kept."""
    accepted = StartAttempt.outcome.in_(("started", "found"))
    query = select(StartAttempt.job_id).where(accepted).group_by(StartAttempt.job_id)
    return count(session, StartAttempt), _jobs(session, query.having(func.count() > 1))


def orders_nobody_allowed(session: Session) -> Looked:
    """Jobs with more orders that may have made a run than their click and each *Start again*
    allow.
    """
    again = _counted("job.started_again")
    query = (
        select(StartAttempt.job_id)
        .outerjoin(again, again.c.subject == _subject(StartAttempt.job_id))
        .where(PERHAPS_A_RUN)
        .group_by(StartAttempt.job_id)
        .having(func.count() > 1 + func.coalesce(func.max(again.c.times), 0))
    )
    return count(session, StartAttempt), _jobs(session, query)


def rescued_and_ordered(session: Session) -> Looked:
    """Jobs that came home from elsewhere and were ordered here, or are due to be."""
    ordered = select(StartAttempt.job_id)
    wrong = or_(Job.id.in_(ordered), Job.due_at.is_not(None), Job.status.in_(WAITING))
    is_rescued = Job.rescued_at.is_not(None)
    query = select(Job.id).where(is_rescued, wrong)
    return _total(session, select(Job.id).where(is_rescued)), _jobs(session, query)


def runs_of_two_jobs(session: Session) -> Looked:
    """Runs that two jobs of one connection say are theirs."""
    with_run = select(Job.run_id).where(Job.run_id.is_not(None))
    shared = with_run.group_by(Job.connection_id, Job.run_id).having(func.count() > 1)
    return _total(session, with_run), [f"run {run_id}" for run_id in session.scalars(shared)]


def runs_with_and_without_a_job(session: Session) -> Looked:
    """Runs that wait for a person because no job has them, although one has."""
    query = (
        select(Orphan.run_id)
        .join(Job, and_(Job.connection_id == Orphan.connection_id, Job.run_id == Orphan.run_id))
        .where(Orphan.settled_at.is_(None))
    )
    return count(session, Orphan), [f"run {run_id}" for run_id in session.scalars(query)]


def connections_not_looked_through(session: Session) -> Looked:
    """Connections with orders of the last days, of which nobody will look, or looked in time, for
    runs without a job, although they answer and a worker lives.
    """
    moment = clock.now(session)
    since = moment - timedelta(seconds=settings().wait(EVERY_SECONDS)) - LATE
    ordered = (
        select(Job.connection_id)
        .join(StartAttempt, StartAttempt.job_id == Job.id)
        .where(StartAttempt.sent_at > moment - AFTER)
    )
    asked = select(Connection.id).where(Connection.id.in_(ordered))
    due_at = Connection.orphans_due_at
    forgotten = or_(due_at.is_(None), and_(due_at < since, *_answers(moment)))
    found = session.scalars(asked.where(forgotten)) if _may_start(session) else ()
    return _total(session, asked), [f"connection {one}" for one in found]


def orders_left_unproved(session: Session) -> Looked:
    """Orders of which nobody knows what became of them, and which nobody has looked into for so
    long that a person should have been asked, although their connection answers.
    """
    moment = clock.now(session)
    patience = settings().wait(LOOKS[-1]) + settings().lease(LEASE_SECONDS)
    since = moment - timedelta(seconds=patience) - LATE
    unproved = or_(StartAttempt.outcome.is_(None), StartAttempt.outcome == "unknown")
    query = (
        select(StartAttempt.job_id)
        .join(Job, Job.id == StartAttempt.job_id)
        .join(Connection, Connection.id == Job.connection_id)
        .where(unproved, Job.status.in_(WAITING), Job.attempts < POISON_AFTER)
    )
    sent_at = func.coalesce(StartAttempt.looking_since, StartAttempt.sent_at)
    left = query.where(sent_at < since, *_answers(moment)).distinct()
    is_asked = _may_start(session) and not _was_allowed_since(session, since)
    return _total(session, query), _jobs(session, left) if is_asked else []


def gaps_in_orders(session: Session) -> Looked:
    """Jobs whose orders are not numbered 1, 2, 3, or carry a later fence than the job."""
    attempt, query = StartAttempt, select(StartAttempt.job_id)
    uneven = func.max(attempt.number) != func.count(), func.min(attempt.number) != 1
    gaps = query.group_by(attempt.job_id).having(or_(*uneven))
    later = query.join(Job, Job.id == attempt.job_id).where(attempt.fence > Job.fence)
    return count(session, attempt), _jobs(session, gaps.union(later))


def ends_taken_back(session: Session) -> Looked:
    """Jobs whose run ended, and that are in another state now."""
    moved = [and_(Job.status != status, _has(f"job.{status}")) for status in sorted(ENDED)]
    ended = select(Job.id).where(or_(*(_has(f"job.{status}") for status in sorted(ENDED))))
    return _total(session, ended), _jobs(session, select(Job.id).where(or_(*moved)))


def points_out_of_order(session: Session) -> Looked:
    """Jobs with a chunk of points that begins before the one before it ended."""
    chunk = MetricChunk
    before = func.lag(chunk.last_step).over(
        partition_by=(chunk.job_id, chunk.series, chunk.level), order_by=chunk.first_step
    )
    steps = select(chunk.job_id, chunk.first_step, chunk.last_step, before.label("before"))
    told = steps.subquery()
    wrong = or_(told.c.before >= told.c.first_step, told.c.last_step < told.c.first_step)
    return count(session, chunk), _jobs(session, select(told.c.job_id).where(wrong).distinct())


def changes_without_a_line(session: Session) -> Looked:
    """Jobs of which the activity does not tell exactly once that they were asked for, or not that
    they were to be cancelled, or how their run ended.
    """
    created = _counted("job.created")
    asked = select(Job.id).outerjoin(created, created.c.subject == _subject(Job.id))
    ended = and_(Job.run_id.is_not(None), Job.status.in_(ENDED))
    told = [and_(Job.status == status, _has(f"job.{status}")) for status in sorted(ENDED)]
    wrong = or_(
        func.coalesce(created.c.times, 0) != 1,
        and_(Job.cancel_requested_at.is_not(None), not_(_has("job.cancel_asked"))),
        and_(ended, not_(or_(*told))),
    )
    here = select(Job.id).where(STARTED_HERE)
    return _total(session, here), _jobs(session, asked.where(STARTED_HERE, wrong))


def ordered_before_allowed(session: Session) -> Looked:
    """Jobs ordered after the instance was restored and before a person allowed it."""
    row = session.get(Instance, ONLY)
    if row is None:
        return 0, []
    since = select(StartAttempt.job_id).where(StartAttempt.sent_at > row.restored_at)
    early = since if row.allowed_at is None else since.where(StartAttempt.sent_at < row.allowed_at)
    return _total(session, since), _jobs(session, early.distinct())


def forgotten_leases(session: Session) -> Looked:
    """Rows whose lease ended a while ago although work is due and a worker lives."""
    since = clock.now(session) - TTL_SLACK
    lives = "worker" in heartbeat.living_kinds(session)
    total, found = 0, []
    for model in leased_models():
        taken = and_(model.lease_until.is_not(None), model.due_at.is_not(None))
        total += _total(session, select(model.id).where(taken))
        if lives:
            stale = and_(taken, model.lease_until < since, _may_be_tried(model))
            ids = session.scalars(select(model.id).where(stale, model.due_at < since))
            found += [f"{model.__tablename__} {row_id}" for row_id in ids]
    return total, found


def late_work(session: Session) -> Looked:
    """Rows that have been due for long although a worker lives."""
    moment = clock.now(session)
    lives = "worker" in heartbeat.living_kinds(session)
    total, found = 0, []
    for model in leased_models():
        due = is_due(model, moment)
        total += _total(session, select(model.id).where(due))
        if lives and not (model is Job and instance.held(session)):
            ids = session.scalars(select(model.id).where(due, model.due_at < moment - LATE))
            found += [f"{model.__tablename__} {row_id}" for row_id in ids]
    return total, found


def _may_be_tried(model: Any) -> ColumnElement[bool]:
    return model.attempts < POISON_AFTER if model.IS_POISONABLE else true()


def _may_start(session: Session) -> bool:
    return "worker" in heartbeat.living_kinds(session) and instance.held(session) is None


def _was_allowed_since(session: Session, moment: datetime) -> bool:
    """True for an instance that was restored and whose work a person let go on after `moment`."""
    row = session.get(Instance, ONLY)
    return row is not None and row.allowed_at is not None and row.allowed_at > moment


def _answers(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    """Connections that nothing keeps from being asked."""
    held_until = Connection.not_before
    return Connection.refused_at.is_(None), or_(held_until.is_(None), held_until < moment - LATE)


def _subject(job_id: Any) -> ColumnElement[str]:
    return literal("job:").concat(cast(job_id, String))


def _has(verb: str) -> ColumnElement[bool]:
    """Jobs of which the activity tells this."""
    return _subject(Job.id).in_(select(Activity.subject).where(Activity.verb == verb))


def _counted(verb: str) -> Subquery:
    """How often the activity tells this, by subject."""
    query = select(Activity.subject, func.count().label("times")).where(Activity.verb == verb)
    return query.group_by(Activity.subject).subquery()


def _total(session: Session, query: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _jobs(session: Session, query: Executable) -> list[str]:
    return [f"job {job_id}" for job_id in session.scalars(query)]
