"""Looking for the run of an order that nobody proved: what was found, and what it means."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock, leases
from app.jobs.looks import LOOKS, NEVER_READ, give_up, look_later, record_look
from app.jobs.models import UNSURE, Job, StartAttempt
from app.jobs.service import log, tell
from app.jobs.starts import StartWork, held, record_started
from app.providers.base import RunReport, RunSearch
from app.settings import settings


def record_found(session: Session, work: StartWork, found: RunSearch) -> list[str]:
    """Keep what a search by tag found; returns the ids of runs to cancel because the oldest is
    ours.
    """
    attempt = session.get_one(StartAttempt, work.doubt.id) if work.doubt else None
    if attempt is None:
        return []
    if found.runs:
        oldest, *others = sorted(found.runs, key=RunReport.age)
        record_look(session, work.job.id, f"Run {oldest.run_id} carries the order's tag.")
        attempt.outcome = "found"
        record_started(session, work.job.id, oldest)
        return [run.run_id for run in others if not run.status.has_ended]
    job = held(session, work)
    if job is not None:
        record_look(session, job.id, _none_among(found.listed))
        if attempt.outcome not in UNSURE:
            _go_on(session, job)
        elif attempt.outcome != "given_up":
            attempt.looks += 1
            look_later(session, job, attempt)
    return []


def _go_on(session: Session, job: Job) -> None:
    """Who sent the order was not dead and has told meanwhile what became of it: no run."""
    leases.settle(job, due_at=clock.now(session))


def _none_among(listed: int) -> str:
    if listed == 0:
        return "The list is empty."
    return f"{listed:,} run{'s' if listed > 1 else ''} listed, none with the order's tag."


def record_search_failed(session: Session, work: StartWork, words: str, *, seconds: float) -> None:
    """The list could not be read. That is never "none found": look again later, without counting
    it. After ten minutes of that a person is told.
    """
    job = held(session, work)
    if job is None or work.doubt is None:
        return
    attempt = session.get_one(StartAttempt, work.doubt.id)
    record_look(session, job.id, words, is_answered=False)
    moment = clock.now(session)
    window = timedelta(seconds=settings().wait(LOOKS[-1]))
    if attempt.outcome not in UNSURE:
        _go_on(session, job)
    elif moment - (attempt.looking_since or attempt.sent_at) > window:
        give_up(session, job, attempt, NEVER_READ)
        tell(session, job)
    else:
        wait = timedelta(seconds=settings().wait(seconds))
        leases.settle(job, due_at=moment + wait, error=words)


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
