"""The list of jobs: what it can be sorted and filtered by, and what can be done to many at once."""

from sqlalchemy import ColumnElement, Float, cast, func, or_

from app.core.choosing import Act
from app.core.listing import (
    Column,
    Table,
    among,
    by_id,
    contains,
    is_text,
    one_of,
    put_away,
    since,
)
from app.jobs import service
from app.jobs.costs import cancel_text
from app.jobs.models import Job, JobStatus
from app.jobs.words import state_of

STATES = tuple((status.value, status.value.replace("_", " ")) for status in JobStatus)
SHARE = func.coalesce(cast(Job.step, Float) / func.nullif(Job.total_steps, 0), 0.0)
TOKENS = func.coalesce(
    cast(Job.trained_tokens, Float), Job.estimate["billed_tokens"].as_float() * SHARE
)
COST = Job.estimate["per_million"].as_float() * TOKENS
ORIGINS = (("here", "here"), ("elsewhere", "elsewhere, and rescued"))


def _is_from(values: list[str]) -> ColumnElement[bool]:
    is_from = {"here": Job.rescued_at.is_(None), "elsewhere": Job.rescued_at.is_not(None)}
    return or_(*(is_from[value] for value in values))


JOBS = Table(
    noun="job",
    row_id=Job.id,
    columns=(
        Column("name", "Job", func.lower(Job.name), is_kept=True),
        Column("status", "State", Job.status),
        Column("base_model", "Base model", Job.base_model),
        Column("dataset", "Dataset"),
        Column("curve", "Loss"),
        Column("best", "Best validation loss", Job.best_valid_loss, is_number=True),
        Column("cost", "Cost so far", COST, is_number=True, is_down=True),
        Column("by", "By"),
        Column("created", "Asked for", Job.created_at, is_number=True, is_down=True),
        Column("ended", "Ended", Job.ended_at, is_number=True, is_down=True, is_extra=True),
        Column(
            "tokens",
            "Trained tokens",
            Job.trained_tokens,
            is_number=True,
            is_down=True,
            is_extra=True,
        ),
        Column("method", "Method", is_extra=True),
        Column("run", "Run id", is_extra=True),
    ),
    filters=(
        contains("q", "Name or base model", Job.name, Job.base_model),
        one_of("status", "State", Job.status, STATES),
        is_text("base_model", "Base model", Job.base_model),
        by_id("connection", "Connection", lambda value: Job.connection_id == value),
        by_id("dataset", "Dataset", lambda value: Job.training_version.has(dataset_id=value)),
        by_id("by", "Asked for by", lambda value: Job.created_by == value),
        among("from", "Asked for", ORIGINS, _is_from),
        since("since", "Since", Job.created_at),
        put_away(Job.archived_at),
    ),
    start="-created",
)


def _why_not_archived(job: Job) -> str | None:
    if job.archived_at is not None:
        return "is archived already"
    return None if job.has_ended else f"is {state_of(job)} and stays"


ACTS = (
    Act(
        "archive",
        "Archive",
        "archived",
        _why_not_archived,
        state_of,
        service.archive_job,
        "Archived jobs leave this list. Their numbers, logs and models stay.",
    ),
    Act(
        "unarchive",
        "Bring back",
        "brought back",
        lambda job: None if job.archived_at is not None else "is not archived",
        state_of,
        service.unarchive_job,
        "They stand in the list again.",
    ),
    Act(
        "cancel",
        "Cancel",
        "asked to stop",
        lambda job: f"has ended: {state_of(job)}" if job.has_ended else None,
        cancel_text,
        service.cancel_job,
        "What is done stays billed.",
        is_danger=True,
    ),
)
