"""When the run of an order is looked for, what each look said, and when that is enough."""

from datetime import timedelta

from sqlalchemy.orm import Session

from app.core import clock, leases
from app.jobs import queries_orders
from app.jobs.models import Job, JobStatus, StartAttempt, StartLook
from app.jobs.service import end, log, tell
from app.jobs.telling import tell_doubt
from app.settings import settings

# Seconds after the order; none found then, a person decides.
LOOKS = (15, 30, 60, 120, 300, 600)
NEVER_SHOWN = "The provider's list shows no such run ten minutes after the order."
NEVER_READ = "The provider's list could not be read for ten minutes."


def look_later(
    session: Session, job: Job, attempt: StartAttempt, *, words: str = NEVER_SHOWN
) -> None:
    """Look for the run 15 s to 10 min after the order; when it does not show, a person decides, who
    is told so in these words.
    """
    if attempt.looks >= len(LOOKS):
        give_up(session, job, attempt, words)
    else:
        since = attempt.looking_since or attempt.sent_at
        wait = timedelta(seconds=settings().wait(LOOKS[attempt.looks]))
        due_at = max(since + wait, clock.now(session))
        leases.settle(job, due_at=due_at, error=attempt.words)
    tell(session, job)


def give_up(session: Session, job: Job, attempt: StartAttempt, words: str) -> None:
    """Nothing more is done by itself: whether it runs is a person's question, unless it was to be
    cancelled anyway. The regular look through the connection goes on either way.
    """
    if job.cancel_requested_at is not None:
        end(session, job, JobStatus.CANCELLED, error=words)
        log(session, job, words, level="warn")
    else:
        job.status = JobStatus.IN_DOUBT
        leases.settle(job, due_at=None, error=attempt.words)
        log(session, job, f"{words} Nothing is sent again by itself.", level="warn")
        tell_doubt(session, job, attempt, words)


def record_look(session: Session, job_id: int, words: str, *, is_answered: bool = True) -> None:
    """Keep what a look said; a failure like the one before is counted there."""
    moment = clock.now(session)
    latest = next(iter(queries_orders.looks_of(session, job_id, limit=1)), None)
    is_again = latest is not None and (latest.is_answered, latest.words) == (False, words)
    if latest is not None and is_again and not is_answered:
        latest.at, latest.times = moment, latest.times + 1
    else:
        session.add(StartLook(job_id=job_id, at=moment, is_answered=is_answered, words=words))
