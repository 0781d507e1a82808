"""What is shown of an order that nobody proved, and of runs that no job has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.jobs.models import Job, JobStatus, Orphan, StartAttempt, StartLook

NO_ANSWER = "Whatever came back, the worker did not live to write it down."
IN_WORDS = {
    "started": "It was accepted.",
    "found": "No clear answer came back; its run was found in the list.",
    "spare": "It was accepted, but the job had another run by then.",
}


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order: when it was sent, and what came back."""

    number: int
    sent_at: datetime
    came_back: str


@dataclass(frozen=True, slots=True)
class LookLine:
    """What the provider's list said, `times` running; the latest at `at`."""

    at: datetime
    times: int
    words: str


@dataclass(frozen=True, slots=True)
class DoubtView:
    """What is known of a job's order. The latest looks come first; `looks_total` counts all. Who
    `can_decide` has three ways to go on.
    """

    orders: tuple[OrderLine, ...]
    looks: tuple[LookLine, ...]
    looks_total: int
    can_decide: bool


@dataclass(frozen=True, slots=True)
class OrphanRow:
    """A run that no job has. `job_id` is the job it was ordered for, where that is known, or, where
    it carries no tag, may have been; who `can_adopt` makes it that job's own.
    """

    id: int
    run_id: str
    base_model: str
    provider_status: str
    has_ended: bool
    ordered_at: datetime | None
    found_at: datetime
    job_id: int | None
    job_name: str | None
    is_cancelling: bool
    is_tagged: bool
    words: str | None
    can_adopt: bool


def doubt(
    job: Job,
    attempts: Sequence[StartAttempt],
    looks: Sequence[StartLook],
    *,
    looks_total: int,
    may_spend: bool,
) -> DoubtView:
    """What is known of a job's order."""
    return DoubtView(
        tuple(order_line(one) for one in attempts if one.outcome != "not_sent"),
        tuple(LookLine(one.at, one.times, one.words) for one in looks),
        looks_total,
        can_decide=may_spend and job.status == JobStatus.IN_DOUBT,
    )


def order_line(attempt: StartAttempt) -> OrderLine:
    """An order in words."""
    said = attempt.words or IN_WORDS.get(attempt.outcome or "", NO_ANSWER)
    return OrderLine(attempt.number, attempt.sent_at, said)


def orphan_row(orphan: Orphan) -> OrphanRow:
    """A run that no job has, as its connection's page shows it."""
    job = orphan.job
    return OrphanRow(
        id=orphan.id,
        run_id=orphan.run_id,
        base_model=orphan.base_model,
        provider_status=orphan.provider_status,
        has_ended=orphan.has_ended,
        ordered_at=orphan.ordered_at,
        found_at=orphan.found_at,
        job_id=job.id if job else None,
        job_name=job.name if job else None,
        is_cancelling=orphan.cancel_asked_at is not None,
        is_tagged=orphan.is_tagged,
        words=orphan.words,
        can_adopt=job is not None and job.run_id is None,
    )
