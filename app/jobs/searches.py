"""Looking for the run of an order that nobody proved: what was found, and what it means."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from app.connections.models import Connection
from app.core import clock, leases
from app.jobs import orphans
from app.jobs.likeness import in_words, is_of, may_be_of
from app.jobs.looks import LOOKS, NEVER_READ, NEVER_SHOWN, give_up, look_later, record_look
from app.jobs.models import UNSURE, Job, JobStatus, StartAttempt
from app.jobs.service import tell
from app.jobs.starts import StartWork, held, record_started
from app.providers.base import RunReport, RunSearch
from app.settings import settings

OTHER_KEY = "It was ordered with another key, which may see another project."
# What an order's outcome is while its run is looked for by itself.
SOUGHT = UNSURE - {"given_up"}


def record_found(session: Session, work: StartWork, found: RunSearch) -> list[str]:
    """Keep what a search by tag found; returns the ids of runs to cancel because the oldest is
    ours.
    """
    attempt = session.get_one(StartAttempt, work.doubt.id) if work.doubt else None
    if attempt is None:
        return []
    if runs := [run for run in found.runs if is_of(work.job, run)]:
        oldest, *others = sorted(runs, key=RunReport.age)
        record_look(session, work.job.id, f"Run {oldest.run_id} carries the order's tag.")
        attempt.outcome = "found"
        record_started(session, work.job.id, oldest)
        return [run.run_id for run in others if not run.status.has_ended]
    _record_none(session, work, attempt, found)
    return []


def _record_none(
    session: Session, work: StartWork, attempt: StartAttempt, found: RunSearch
) -> None:
    """The list shows no run with the order's tag. One that carries none at all may be it."""
    guesses = may_be_of(session, work.job, found.untagged)
    # Connection before job, as a sweep does: two orders of locking are a deadlock.
    connection = session.get_one(Connection, work.connection.id, with_for_update=bool(guesses))
    job = held(session, work)
    if job is None:
        return
    words = [_none_among(found.listed), *([in_words(guesses)] if guesses else [])]
    record_look(session, job.id, " ".join(words))
    if attempt.outcome not in UNSURE:
        _go_on(session, job)
    if attempt.outcome not in SOUGHT:
        return
    attempt.looks += 1
    look_later(session, job, attempt, words=_why_in_doubt(work, attempt, guesses))
    if job.status == JobStatus.IN_DOUBT:
        for run in guesses:
            orphans.note(session, connection, run, job, is_tagged=False)


def _why_in_doubt(work: StartWork, attempt: StartAttempt, guesses: Sequence[RunReport]) -> str:
    """What a person is told who decides."""
    words = in_words(guesses) if guesses else NEVER_SHOWN
    key_set_at = work.connection.key_set_at
    is_other_key = key_set_at is not None and key_set_at > attempt.sent_at
    return f"{words} {OTHER_KEY}" if is_other_key else words


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
        leases.settle(job, due_at=clock.later(session, seconds), error=words)
