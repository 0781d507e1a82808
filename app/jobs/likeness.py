"""Which runs are of a job where no tag says so outright: those it may have, until a person says."""

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from app.core import clock
from app.jobs import queries_orders
from app.jobs.models import Job
from app.providers.base import RunReport

MOST_NAMED = 3


def is_of(job: Job, run: RunReport) -> bool:
    """Whether a run that was found by a tag is of the job. The mark of a suffix is short, and a
    person may use a suffix again: then the run also trains on the job's file.
    """
    return run.op_key == job.op_key or run.training_file_id == job.training_file_id


def may_be_of(session: Session, job: Job, runs: Iterable[RunReport]) -> list[RunReport]:
    """Those of the runs without any tag that train on the file sent for this job, and that no job
    has. Only a person can say that one is its own: a server may know equal files as one.
    """
    if job.training_file_id is None:
        return []
    alike = [run for run in runs if run.training_file_id == job.training_file_id]
    known = queries_orders.runs_with_jobs(session, {run.run_id for run in alike})
    return [run for run in alike if run.run_id not in known]


def in_words(runs: Sequence[RunReport]) -> str:
    """What a look at the list says of such runs."""
    names = ", ".join(run.run_id for run in runs[:MOST_NAMED])
    more = f" and {len(runs) - MOST_NAMED} more" if len(runs) > MOST_NAMED else ""
    return f"Without any tag, but on this job's file: {names}{more}."


def settle_guesses(session: Session, job: Job, run_id: str | None) -> None:
    """It is settled which run the job has: the others are none of our business."""
    for guess in queries_orders.guesses_for(session, job.id):
        guess.settled_at = clock.now(session)
        guess.outcome = "adopted" if guess.run_id == run_id else "not_ours"
