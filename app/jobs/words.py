"""How a job stands, and what happens next, in sentences; pure."""

from datetime import datetime
from typing import NamedTuple

from app.connections.service import service_of
from app.jobs.models import FOLLOWED, WAITING, Job, JobStatus

FULL_POINTS_NEEDED = 3
CLEARLY_WORSE = 1.05


class Standing(NamedTuple):
    """What a job's own row does not say: three workers died over its start; an order is out to
    which nobody has an answer; the instance was restored, and nobody has allowed starts since.
    """

    is_poisoned: bool
    is_order_out: bool
    is_held: bool = False


def state_of(job: Job) -> str:
    """The job's state as one says it in a sentence: running, in doubt."""
    return str(job.status).replace("_", " ")


def origin_of(job: Job) -> str | None:
    """Whose history a rescued job is of: OpenAI. None for one that was asked for here."""
    return service_of(job.connection) if job.rescued_at is not None else None


def asker_of(job: Job) -> str:
    """Who asked for the job."""
    if job.rescued_at is not None:
        return f"someone at {origin_of(job)}"
    return job.creator.name if job.creator else "someone who left"


def lead(job: Job, standing: Standing) -> str:
    """The sentence that opens the job's page: who does what, how far."""
    where = job.connection.name
    if job.status in WAITING and standing.is_held:
        return (
            "Held: Luthier was restored from a backup and starts nothing until its owner says so."
        )
    if job.status in WAITING:
        return _waiting(job, where, standing)
    if job.status in FOLLOWED and job.cancel_requested_at:
        return f"Cancelling: {where} is asked to stop."
    say: dict[str, str] = {
        JobStatus.IN_DOUBT: f"{where} may or may not be running this job: {job.last_error}",
        JobStatus.RUNNING: _running(job, where),
        JobStatus.PAUSED: f"Paused at {where}, step {_of_steps(job)}.",
        JobStatus.SUCCEEDED: f"Done: {where} made the model.{_best(job)}",
        JobStatus.FAILED: f"Failed: {job.error}",
        JobStatus.CANCELLED: _cancelled(job, where),
        JobStatus.VANISHED: f"{where} no longer knows this run.",
    }
    return say.get(job.status, f"{state_of(job).capitalize()}: a newer version of Luthier says so.")


def _waiting(job: Job, where: str, standing: Standing) -> str:
    if standing.is_poisoned:
        return "The start gave up: three workers died over it. Nothing more is sent by itself."
    if standing.is_order_out and job.last_error:
        return f"{where} gave no clear answer to the order, so its list is searched for the run."
    if job.connection.refused_at is not None:
        return f"Waiting: {where} needs another key."
    if job.cancel_requested_at:
        return "Cancelling, as soon as the step at hand is done."
    if job.last_error:
        return f"{where} did not take it yet: {job.last_error}"
    is_queued = job.status == JobStatus.QUEUED
    in_queue = "In the queue. A worker takes it in a moment."
    return in_queue if is_queued else f"Sending rows and order to {where}."


def _cancelled(job: Job, where: str) -> str:
    if job.rescued_at is not None and not job.step:
        return f"Cancelled at {where}."
    if job.error:
        return f"Given up here. {job.error}"
    return (
        f"Cancelled at step {_of_steps(job)}." if job.step else "Cancelled before training began."
    )


def _best(job: Job) -> str:
    if job.best_valid_loss is None or job.best_valid_step is None:
        return ""
    return f" Best validation loss {job.best_valid_loss:.3f} at step {job.best_valid_step:,}."


def _running(job: Job, where: str) -> str:
    if not job.step:
        says = {"validating_files": "is checking the rows", "queued": "has it in its queue"}.get(
            job.provider_status or ""
        )
        return f"{where} {says}." if says else f"{where} is about to train ({job.provider_status})."
    return f"Training on {where}, step {_of_steps(job)}.{_rising(job)}"


def _rising(job: Job) -> str:
    """Whether the later steps help, by the full validation set alone: single batches are noise."""
    full = (job.spark or {}).get("full", [])
    if len(full) < FULL_POINTS_NEEDED or job.best_valid_loss is None or not job.best_valid_step:
        return ""
    if full[-1][1] < job.best_valid_loss * CLEARLY_WORSE:
        return ""
    since = f"step {job.best_valid_step:,}"
    return f" Validation loss has not been lower since {since}: the later steps may not help."


def what_next(job: Job, standing: Standing) -> str | None:
    """The sentence about what happens by itself; None when nothing will."""
    where = job.connection.name
    if job.status in WAITING and standing.is_held:
        return _after_the_hold(where, standing)
    if job.status in WAITING and (standing.is_poisoned or standing.is_order_out):
        return None if standing.is_poisoned else "Nothing is sent a second time meanwhile."
    if job.connection.refused_at is not None and job.status in WAITING:
        return "Nothing is lost: it starts by itself when the key works."
    if job.connection.refused_at is not None and job.status in FOLLOWED:
        return "The run goes on there. Luthier hears of it again when the key works."
    if job.cancel_requested_at and job.status in FOLLOWED:
        return "The steps already done may be billed."
    say: dict[str, str] = {
        JobStatus.QUEUED: f"Next: the rows go to {where}, then one order is sent.",
        JobStatus.STARTING: "Next: training begins. Sent once, whatever happens here.",
        JobStatus.IN_DOUBT: "Nothing is sent again by itself. The provider's list is still looked "
        "through every 15 minutes.",
        JobStatus.RUNNING: "Next: the model is saved, ready to talk to. You can close this page.",
        JobStatus.PAUSED: "Luthier keeps looking; it goes on where the provider resumes it.",
        JobStatus.VANISHED: "Its numbers up to then are kept.",
    }
    return say.get(job.status)


def _after_the_hold(where: str, standing: Standing) -> str:
    if standing.is_order_out:
        return f"Then: {where}'s list is searched for its run. Nothing is sent a second time."
    return f"Then: the rows go to {where}, and one order is sent."


def _of_steps(job: Job) -> str:
    return f"{job.step or 0:,} of {job.total_steps:,}" if job.total_steps else f"{job.step or 0:,}"


def left_seconds(job: Job, moment: datetime) -> float | None:
    """How long the run will go on: the provider's own estimate, else at the pace so far. None is
    unknown.
    """
    if job.has_ended:
        return None
    if (
        job.step
        and job.total_steps
        and job.training_since is not None
        and moment > job.training_since
    ):
        pace = (moment - job.training_since).total_seconds() / job.step
        return max(0.0, pace * (job.total_steps - job.step))
    if job.estimated_finish_at is not None:
        return max(0.0, (job.estimated_finish_at - moment).total_seconds())
    return None
