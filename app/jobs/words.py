"""How a job stands, and what happens next, in sentences; pure."""

from datetime import datetime

from app.jobs.models import Job, JobStatus

FULL_POINTS_NEEDED = 3
CLEARLY_WORSE = 1.05


def lead(job: Job) -> str:
    """The sentence that opens the job's page: who does what, how far."""
    where = job.connection.name
    if job.cancel_requested_at and not job.has_ended:
        return f"Cancelling: {where} was asked to stop."
    say = {
        JobStatus.QUEUED: "In the queue. A worker takes it in a moment.",
        JobStatus.STARTING: f"Sending rows and order to {where}.",
        JobStatus.IN_DOUBT: f"{where} may or may not be running this job: {job.last_error}",
        JobStatus.RUNNING: _running(job, where),
        JobStatus.PAUSED: f"Paused at {where}, step {_of_steps(job)}.",
        JobStatus.SUCCEEDED: f"Done: {where} made the model.{_best(job)}",
        JobStatus.FAILED: f"Failed: {job.error}",
        JobStatus.CANCELLED: f"Cancelled at step {_of_steps(job)}.",
        JobStatus.VANISHED: f"{where} no longer knows this run.",
    }
    if job.status == JobStatus.STARTING and job.last_error:
        return f"{where} did not take it yet: {job.last_error}"
    if job.status == JobStatus.CANCELLED and not job.step:
        return "Cancelled before training began."
    return say[JobStatus(job.status)]


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


def what_next(job: Job) -> str | None:
    """The sentence about what happens by itself; None when nothing will."""
    where = job.connection.name
    if job.cancel_requested_at and not job.has_ended:
        return "The steps already done may be billed."
    return {
        JobStatus.QUEUED: f"Next: the rows go to {where}, then one order is sent.",
        JobStatus.STARTING: "Next: training begins. Sent once, whatever happens here.",
        JobStatus.IN_DOUBT: "Nothing is sent again by itself. Look at the provider's own list.",
        JobStatus.RUNNING: "Next: the model is saved, ready to talk to. You can close this page.",
        JobStatus.PAUSED: "Luthier keeps looking; it goes on where the provider resumes it.",
        JobStatus.VANISHED: "Its numbers up to then are kept.",
    }.get(JobStatus(job.status))


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
