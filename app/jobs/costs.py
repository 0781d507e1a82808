"""What a job cost so far, and what that is made of; pure."""

from app.jobs.models import Job


def share_done(job: Job) -> float:
    """How much of a run is done, 0 to 1."""
    return job.step / job.total_steps if job.step and job.total_steps else 0.0


def cost_so_far(job: Job) -> float | None:
    """What was spent so far, estimated: billed tokens at the price of the day it started. None is
    unknown.
    """
    price = job.estimate.get("per_million")
    if price is None:
        return None
    tokens = job.trained_tokens
    if tokens is None and "billed_tokens" not in job.estimate:
        return None
    if tokens is None:
        tokens = job.estimate["billed_tokens"] * share_done(job)
    return float(tokens * price / 1e6)


def cost_note(job: Job) -> str:
    """What stands beside the cost."""
    if job.estimate.get("per_million") is None:
        return "not in the price book"
    if job.rescued_at is not None and job.estimate["per_million"]:
        unbilled = "nothing was billed that Luthier knows of"
        return "for the tokens it trained on" if job.trained_tokens else unbilled
    total = job.estimate.get("total") or 0
    if total == 0:
        return "free, your own machine"
    if not share_done(job):
        return "nothing was billed that Luthier knows of"
    return f"of about ${total:,.2f}"


def cancel_text(job: Job) -> str:
    """What is done and billed if the job stops now."""
    if not job.step:
        return "Training has not begun; nothing is billed that Luthier knows of."
    done = (
        f"{job.step:,} of {job.total_steps:,} steps are done"
        if job.total_steps
        else f"{job.step:,} steps are done"
    )
    cost = cost_so_far(job)
    if cost is None:
        return f"{done}; what they cost is not in the price book."
    return f"{done} and billed, about ${cost:,.2f}." if cost else f"{done}. They cost nothing."
