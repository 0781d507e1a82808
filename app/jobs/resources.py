"""Jobs, their events and metrics as the API gives them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.jobs.charts import aligned
from app.jobs.metrics import Series
from app.jobs.models import Job, JobEvent

API_SERIES = ("train_loss", "valid_loss", "full_valid_loss", "train_mean_token_accuracy")
CHART_SERIES = (*API_SERIES, "valid_mean_token_accuracy", "full_valid_mean_token_accuracy")
REWARD_SERIES = ("train_mean_reward", "full_valid_mean_reward")


@dataclass(frozen=True, slots=True)
class ProgressResource:
    """How far a run is; null is unknown."""

    step: int | None
    total_steps: int | None
    share: float | None
    trained_tokens: int | None
    estimated_finish_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobResource:
    """A job. `hyperparameters` are as asked for, `resolved_hyperparameters` as the provider settled
    them. With `rescued_at` it was asked for elsewhere, and came home then with its provider's
    history; its rows may be no dataset.
    """

    id: int
    project_id: int
    name: str
    status: str
    provider_status: str | None
    run_id: str | None
    progress: ProgressResource
    error: str | None
    model_id: int | None
    connection_id: int
    base_model: str
    method: str
    training_version_id: int | None
    validation_version_id: int | None
    validation_split: float | None
    hyperparameters: dict[str, Any]
    resolved_hyperparameters: dict[str, Any] | None
    suffix: str | None
    seed: int | None
    best_valid_loss: float | None
    estimate: dict[str, Any]
    created_by: int | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    archived_at: datetime | None
    rescued_at: datetime | None


@dataclass(frozen=True, slots=True)
class StartedResource(JobResource):
    """A job just asked for. `warnings` are what to know of it, each one sentence: when its base
    model stops.
    """

    warnings: list[str]


@dataclass(frozen=True, slots=True)
class EventResource:
    """One line of a job's log; `source` is luthier or provider."""

    id: int
    at: datetime
    level: str
    source: str
    message: str


def job_resource(job: Job, model_id: int | None = None) -> JobResource:
    """The job as the API gives it."""
    return JobResource(
        id=job.id,
        project_id=job.project_id,
        name=job.name,
        status=job.status,
        provider_status=job.provider_status,
        run_id=job.run_id,
        progress=ProgressResource(
            step=job.step,
            total_steps=job.total_steps,
            share=min(1.0, job.step / job.total_steps)
            if job.step is not None and job.total_steps
            else None,
            trained_tokens=job.trained_tokens,
            estimated_finish_at=job.estimated_finish_at,
        ),
        error=job.error or (None if job.has_ended else job.last_error),
        model_id=model_id,
        connection_id=job.connection_id,
        base_model=job.base_model,
        method=job.method,
        training_version_id=job.training_version_id,
        validation_version_id=job.validation_version_id,
        validation_split=job.validation_split,
        hyperparameters=job.hyperparameters,
        resolved_hyperparameters=job.resolved,
        suffix=job.suffix,
        seed=job.seed,
        best_valid_loss=job.best_valid_loss,
        estimate=job.estimate,
        created_by=job.created_by,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        archived_at=job.archived_at,
        rescued_at=job.rescued_at,
    )


def event_resource(event: JobEvent) -> EventResource:
    """A line of the log as the API gives it."""
    return EventResource(
        event.id, event.at, event.level, "luthier" if event.is_ours else "provider", event.text
    )


def is_graded(job: Job) -> bool:
    """Whether the run learns from a grader: it has rewards where others have losses."""
    return job.method == "reinforcement"


def metrics_resource(
    series: dict[str, Series], names: tuple[str, ...], after_step: int
) -> dict[str, Any]:
    """Series side by side with null where there is none; `last_step` goes into `after_step` for
    what comes next.
    """
    table = aligned(series, names)
    return {**table, "last_step": table["step"][-1] if table["step"] else after_step}
