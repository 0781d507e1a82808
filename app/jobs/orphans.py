"""Runs that carry this instance's tag and that no job has: found by a regular look through each
connection, and what becomes of them.

A run of a job that is still looked for is taken by it. Another run of a job that has one is
cancelled: it is the same order twice. So is a run of a job that a person ended while nobody knew of
it: they were told so, its training is billed, and nobody waits for it. Whatever else is found is a
person's to decide: nothing here says that nobody wants it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, delete, update
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import standing
from app.connections.models import Connection
from app.core import clock, instance
from app.core.events import announce
from app.jobs import queries_orders, spending
from app.jobs.likeness import is_of
from app.jobs.models import Checkpoint, Job, JobStatus, MetricChunk, Orphan
from app.jobs.service import log, tell
from app.jobs.starts import record_started, take_run
from app.jobs.sweeps import come_back
from app.jobs.telling import tell_orphan
from app.providers.base import (
    AllowanceSpent,
    KeyRejected,
    ProviderError,
    ProviderUnavailable,
    RunReport,
    RunStatus,
)
from app.providers.values import MARK_LETTERS
from app.settings import settings

EVERY_SECONDS = 900.0
# An order whose run has not shown up after three days made none.
AFTER = timedelta(hours=72)
TRY_AGAIN_SECONDS = 60.0
# What a run says of its progress, beside its state.
NUMBERS = (
    "run_status",
    "resolved",
    "training_since",
    "estimated_finish_at",
    "trained_tokens",
    "step",
    "total_steps",
    "train_loss",
    "valid_loss",
    "best_valid_loss",
    "best_valid_step",
    "spark",
    "known_event_id",
    "events_at",
)


class Watch(NamedTuple):
    """A claimed look through a connection: what our runs are tagged with, and since when they were
    ordered.
    """

    connection: Connection
    instance: str
    since: datetime


class Spare(NamedTuple):
    """A run to be cancelled at its provider: of a job that has another or has ended, or because a
    person asked.
    """

    run: RunReport | None
    run_id: str
    of_job: int | None = None


def claim_look(session: Session, connection_id: int) -> Watch | None:
    """Take the next look through a connection; None when it is not due, nothing may be asked now,
    or nothing was ordered lately.
    """
    moment = clock.now(session)
    wait = timedelta(seconds=settings().wait(EVERY_SECONDS))
    taken: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(Connection)
        .where(Connection.id == connection_id, Connection.orphans_due_at <= moment)
        .values(orphans_due_at=moment + wait)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1 or instance.held(session) is not None:
        return None
    connection = session.get_one(Connection, connection_id, populate_existing=True)
    if connection.refused_at is not None:
        return None
    if connection.not_before is not None and connection.not_before > moment:
        connection.orphans_due_at = connection.not_before
        return None
    since = queries_orders.first_order_of(session, connection_id, after=moment - AFTER)
    is_asked_for = any(one.cancel_asked_at for one in _open(session, connection_id))
    if since is None and not is_asked_for:
        connection.orphans_due_at = None
        return None
    return Watch(connection, instance.tag_of(session), since or moment)


def _open(session: Session, connection_id: int) -> Sequence[Orphan]:
    return queries_orders.open_orphans(session, connection_id=connection_id)


def record_look(session: Session, watch: Watch, runs: Sequence[RunReport]) -> list[Spare]:
    """Hold what the provider lists against the jobs; what is to be cancelled there."""
    # Connection before job, as a sweep does: two orders of locking are a deadlock.
    session.get_one(Connection, watch.connection.id, with_for_update=True)
    by_tag: dict[str, list[RunReport]] = defaultdict(list)
    for run in sorted(runs, key=RunReport.age):
        by_tag[run.op_key or run.mark or ""].append(run)
    jobs = queries_orders.jobs_with_tags(session, by_tag.keys())
    marks = {tag for tag in by_tag if len(tag) == MARK_LETTERS}
    jobs |= queries_orders.jobs_with_marks(session, watch.connection.id, marks)
    known = queries_orders.runs_with_jobs(session, {run.run_id for run in runs})
    spare: list[Spare] = []
    for tag, listed in by_tag.items():
        job = jobs.get(tag)
        tagged = listed if job is None else [run for run in listed if is_of(job, run)]
        if job is None:
            for run in tagged:
                if run.run_id not in known and run.instance == watch.instance:
                    note(session, watch.connection, run, None)
                    _count(session, watch.connection, None, run)
        elif tagged and job.connection_id == watch.connection.id:
            spare += _of_job(session, watch.connection, job, tagged)
    asked = (one for one in _open(session, watch.connection.id) if one.cancel_asked_at)
    spare += [Spare(None, one.run_id) for one in asked]
    return spare


def _of_job(
    session: Session, connection: Connection, job: Job, runs: list[RunReport]
) -> list[Spare]:
    """What becomes of the runs of one job, the oldest first."""
    job = session.get_one(Job, job.id, with_for_update=True, populate_existing=True)
    if job.run_id is None and job.has_ended:
        return _of_ended(session, connection, job, runs)
    oldest = runs[0]
    if job.status == JobStatus.VANISHED and any(run.run_id == job.run_id for run in runs):
        come_back(session, job)
    if job.run_id is None:
        _adopt(session, job, oldest)
    elif oldest.run_id != job.run_id and not (job.has_ended or oldest.status.has_ended):
        _change_over(session, connection, job, oldest)
    for run in runs:
        if run.run_id != job.run_id:
            _count(session, connection, job, run)
    return [
        Spare(run, run.run_id, job.id)
        for run in runs
        if run.run_id != job.run_id and not run.status.has_ended
    ]


def _of_ended(
    session: Session, connection: Connection, job: Job, runs: list[RunReport]
) -> list[Spare]:
    """A job that ended without a run has one: nobody waits for it where a person ended the job."""
    is_unwanted = job.status == JobStatus.CANCELLED
    for run in runs:
        if run.status.has_ended or not is_unwanted:
            note(session, connection, run, job)
        _count(session, connection, job, run)
    return [
        Spare(run, run.run_id, job.id) for run in runs if is_unwanted and not run.status.has_ended
    ]


def _count(session: Session, connection: Connection, job: Job | None, run: RunReport) -> None:
    """What a run that ended has trained was billed, where its provider says how much that was."""
    if run.trained_tokens is not None:
        spending.count_run(session, connection, job, run)


def _adopt(session: Session, job: Job, run: RunReport) -> None:
    """The job was looked for, or about to be ordered: it has its run."""
    attempts = queries_orders.unproved_attempts(session, job.id)
    for attempt in attempts:
        attempt.outcome = "found" if attempt is attempts[-1] else "given_up"
    log(session, job, f"Run {run.run_id} showed up, with the order's tag.", level="warn")
    record_started(session, job.id, run)
    session.refresh(job)


def _change_over(session: Session, connection: Connection, job: Job, oldest: RunReport) -> None:
    """An older run of the job showed up: it has come further, and is the job's own from now on. The
    numbers of the other one go; its lines in the log stay.
    """
    words = f"Run {oldest.run_id}, of the first order, showed up; the job goes on with it."
    log(session, job, words, level="warn")
    for model in (MetricChunk, Checkpoint):
        session.execute(delete(model).where(model.job_id == job.id))
    for name in NUMBERS:
        setattr(job, name, None)
    held = session.get_one(Connection, connection.id)  # the look's own is of another session
    take_run(session, held, job, oldest.run_id, oldest.provider_status)


def note(
    session: Session,
    connection: Connection,
    run: RunReport,
    job: Job | None,
    *,
    is_tagged: bool = True,
) -> Orphan | None:
    """Keep a run that waits for a person; one that ended without a model does not."""
    moment = clock.now(session)
    has_model = run.status not in {RunStatus.FAILED, RunStatus.CANCELLED}
    found = queries_orders.orphan_of_run(session, connection.id, run.run_id)
    if found is None:
        if not has_model:
            return None
        found = Orphan(
            project_id=connection.project_id,
            connection_id=connection.id,
            job_id=job.id if job else None,
            run_id=run.run_id,
            base_model=run.base_model,
            provider_status="",
            has_ended=False,
            is_tagged=is_tagged,
            ordered_at=run.created_at,
            found_at=moment,
        )
        session.add(found)
        session.flush()
        if is_tagged:  # of a guess people are told with its job's doubt
            tell_orphan(session, connection, found, job)
        tell_of(session, connection)
    found.provider_status, found.has_ended = run.provider_status[:255], run.status.has_ended
    if not has_model and found.settled_at is None:
        settle(session, found, "ended")
    return found


def settle(session: Session, orphan: Orphan, outcome: str) -> None:
    """The run waits for nobody any more."""
    orphan.settled_at, orphan.outcome, orphan.words = clock.now(session), outcome, None


def record_cancelled(session: Session, watch: Watch, spare: Spare, report: RunReport) -> None:
    """Tell that a run was cancelled there, or how it had ended before it could be."""
    orphan = queries_orders.orphan_of_run(session, watch.connection.id, spare.run_id)
    if orphan is not None:
        is_late = report.status in {RunStatus.SUCCEEDED, RunStatus.FAILED}
        settle(session, orphan, "ended" if is_late else "cancelled")
    job_id = spare.of_job or (orphan.job_id if orphan else None)
    if job_id is not None:
        record_spare(session, job_id, spare.run_id, None)
    if orphan is None or orphan.is_tagged:  # a guess may be somebody else's run, and their bill
        job = session.get(Job, job_id) if job_id is not None else None
        spending.count_run(session, watch.connection, job, report)
    tell_of(session, watch.connection)


def record_not_cancelled(session: Session, watch: Watch, spare: Spare, words: str) -> None:
    """It could not be cancelled: it is tried again at the next look, and people are told."""
    job = session.get(Job, spare.of_job) if spare.of_job else None
    if spare.run is not None:
        orphan = note(session, watch.connection, spare.run, job)
    else:
        orphan = queries_orders.orphan_of_run(session, watch.connection.id, spare.run_id)
    if orphan is None or orphan.words == words:
        return
    orphan.words = words
    if job is not None:
        record_spare(session, job.id, spare.run_id, words)
    tell_of(session, watch.connection)


def record_trouble(session: Session, watch: Watch, error: ProviderError) -> None:
    """The list could not be read: nothing follows from that, and it is read again soon."""
    seconds = TRY_AGAIN_SECONDS
    if isinstance(error, ProviderUnavailable):
        seconds = max(error.retry_after or 0, seconds)
    if isinstance(error, ProviderUnavailable) and not isinstance(error, AllowanceSpent):
        standing.hold(session, watch.connection, error, seconds=seconds)
    elif isinstance(error, KeyRejected):
        standing.record_failure(session, watch.connection, error)
    connection = session.get_one(Connection, watch.connection.id)
    connection.orphans_due_at = clock.later(session, seconds)


def tell_of(session: Session, connection: Connection) -> None:
    """Tell open pages that a run without a job was found or settled."""
    announce(session, f"connection:{connection.id}", f"project:{connection.project_id}")


def record_spare(session: Session, job_id: int, run_id: str, refusal: str | None) -> None:
    """Tell what became of a run with the job's tag that the job does not follow: cancelled, or why
    it could not be.
    """
    job = session.get_one(Job, job_id)
    what = "carries the same order" if job.run_id is not None else "showed up after the job's end"
    if refusal is None:
        log(session, job, f"Run {run_id} {what}: it was cancelled there.", level="warn")
        auth.record(
            session,
            "job.spare_cancelled",
            f"job:{job.id}",
            actor_id=None,
            project_id=job.project_id,
            name=job.name,
            run_id=run_id,
        )
    else:
        words = f"Run {run_id} {what}, and could not be cancelled: {refusal}"
        log(session, job, words, level="error")
    tell(session, job)
