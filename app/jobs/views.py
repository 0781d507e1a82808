"""What the pages of jobs show: the list, and one job."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core.leases import is_poisoned
from app.core.views import Paging
from app.jobs import words
from app.jobs.charts import SparkPaths, spark
from app.jobs.models import Checkpoint, Job, JobEvent, JobStatus


@dataclass(frozen=True, slots=True)
class JobRow:
    id: int
    name: str
    status: str
    provider_status: str | None
    base_model: str
    connection: str
    dataset: str
    dataset_number: int
    version_id: int
    best_valid_loss: float | None
    train_loss: float | None
    step: int | None
    steps: int | None
    spark: SparkPaths | None
    by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class IndexView:
    """`can_start` needs a ready version too; `why_not` says what is missing. Fragment "rows"
    refreshes itself on `topic`.
    """

    project_id: int
    jobs: tuple[JobRow, ...]
    paging: Paging | None
    can_edit: bool
    has_ready_version: bool
    topic: str


@dataclass(frozen=True, slots=True)
class EventLine:
    """`level` is info, warn or error; `by` is Luthier or the connection's name."""

    at: datetime
    text: str
    level: str
    by: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One frozen setting: the provider's name for it, its value, and what it was asked to be."""

    name: str
    value: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file of a job; `version_id` None for rows split off."""

    label: str
    title: str
    version_id: int | None
    rows: int
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    step: int
    train_loss: float | None
    valid_loss: float | None
    accuracy: float | None
    name: str
    is_best: bool


@dataclass(frozen=True)
class ProgressView:
    """State in words and numbers: enough for the fragment "progress". `lead` says how things stand
    ("Training on Practice, step 61 of 936."), `next` what happens next. `phase` marks the way:
    queued, sending, training, done. Losses None until there is one. While `is_final` is False the
    panel asks again.
    """

    job_id: int
    project_id: int
    name: str
    status: str
    provider_status: str | None
    is_final: bool
    lead: str
    next: str | None
    step: int | None
    steps: int | None
    epochs: int | None
    epochs_done: int
    started_at: datetime | None
    elapsed_seconds: float | None
    left_seconds: float | None
    train_loss: float | None
    valid_loss: float | None
    best_valid_loss: float | None
    best_step: int | None
    cost: float | None
    cost_note: str
    error: str | None
    model_id: int | None
    can_cancel: bool
    can_retry: bool
    by: str
    created_at: datetime


@dataclass(frozen=True)
class EventsView:
    """For the fragment "events": newest first. `total` counts all; `more_url` shows them all."""

    job_id: int
    is_final: bool
    events: tuple[EventLine, ...]
    events_total: int
    events_url: str | None


@dataclass(frozen=True)
class ShowView(ProgressView, EventsView):
    """One job. Settings and files are frozen; the chart fetches jobs.metrics?after_step=N."""

    settings: tuple[Fact, ...]
    frozen_at: datetime
    connection: str
    is_practice: bool
    files: tuple[FileFact, ...]
    run_id: str | None
    checkpoints: tuple[CheckpointRow, ...]
    cancel_text: str
    shutdown_date: date | None


def index(
    project_id: int,
    jobs: Sequence[Job],
    paging: Paging | None,
    *,
    can_edit: bool,
    has_ready_version: bool,
) -> IndexView:
    """The list of a project's jobs."""
    return IndexView(
        project_id=project_id,
        jobs=tuple(_row(job) for job in jobs),
        paging=paging,
        can_edit=can_edit,
        has_ready_version=has_ready_version,
        topic=f"project:{project_id}",
    )


def _row(job: Job) -> JobRow:
    version = job.training_version
    return JobRow(
        id=job.id,
        name=job.name,
        status=job.status,
        provider_status=job.provider_status,
        base_model=job.base_model,
        connection=job.connection.name,
        dataset=version.dataset.name,
        dataset_number=version.number,
        version_id=version.id,
        best_valid_loss=job.best_valid_loss,
        train_loss=job.train_loss,
        step=job.step,
        steps=job.total_steps,
        spark=spark(job.spark, step=job.step, total_steps=job.total_steps),
        by=_name(job),
        created_at=job.created_at,
    )


def _progress_fields(
    job: Job, moment: datetime, model_id: int | None, *, can_cancel: bool
) -> dict[str, Any]:
    epochs = (job.resolved or {}).get("n_epochs")
    epochs = epochs if isinstance(epochs, int) else None
    share = job.step / job.total_steps if job.step and job.total_steps else 0.0
    since = job.training_since or job.started_at
    return {
        "job_id": job.id,
        "project_id": job.project_id,
        "name": job.name,
        "status": job.status,
        "provider_status": job.provider_status,
        "is_final": job.has_ended,
        "lead": words.lead(job),
        "next": words.what_next(job),
        "step": job.step,
        "steps": job.total_steps,
        "epochs": epochs,
        "epochs_done": int(share * epochs) if epochs else 0,
        "started_at": since,
        "elapsed_seconds": ((job.ended_at or moment) - since).total_seconds() if since else None,
        "left_seconds": words.left_seconds(job, moment),
        "train_loss": job.train_loss,
        "valid_loss": job.valid_loss,
        "best_valid_loss": job.best_valid_loss,
        "best_step": job.best_valid_step,
        "cost": _cost(job, share),
        "cost_note": _cost_note(job),
        "error": job.error,
        "model_id": model_id,
        "can_cancel": can_cancel
        and not job.has_ended
        and (job.cancel_requested_at is None or job.status == JobStatus.IN_DOUBT),
        "can_retry": can_cancel and is_poisoned(job, moment),
        "by": _name(job),
        "created_at": job.created_at,
    }


def progress(job: Job, moment: datetime, model_id: int | None, *, can_cancel: bool) -> ProgressView:
    """The panel that says how the job stands."""
    return ProgressView(**_progress_fields(job, moment, model_id, can_cancel=can_cancel))


def _cost(job: Job, share: float) -> float | None:
    """What was spent so far, estimated: billed tokens at the price of the day it started. None is
    unknown.
    """
    price = job.estimate.get("per_million")
    if price is None:
        return None
    tokens = (
        job.trained_tokens
        if job.trained_tokens is not None
        else job.estimate["billed_tokens"] * share
    )
    return float(tokens * price / 1e6)


def _cost_note(job: Job) -> str:
    if job.estimate.get("per_million") is None:
        return "not in the price book"
    total = job.estimate.get("total") or 0
    return "free, your own machine" if total == 0 else f"of about ${total:,.2f}"


def event_lines(job: Job, events: Sequence[JobEvent]) -> tuple[EventLine, ...]:
    """The log's lines with who says them."""
    return tuple(
        EventLine(
            event.at, event.text, event.level, "Luthier" if event.is_ours else job.connection.name
        )
        for event in events
    )


def show(
    job: Job,
    moment: datetime,
    model_id: int | None,
    *,
    events: Sequence[JobEvent],
    events_total: int,
    events_url: str | None,
    checkpoints: Sequence[Checkpoint],
    shutdown_date: date | None,
    can_cancel: bool,
) -> ShowView:
    """The whole page of one job."""
    fields = _progress_fields(job, moment, model_id, can_cancel=can_cancel)
    return ShowView(
        **fields,
        events=event_lines(job, events),
        events_total=events_total,
        events_url=events_url,
        settings=_settings(job),
        frozen_at=job.created_at,
        connection=job.connection.name,
        is_practice=job.connection.is_practice,
        files=_files(job),
        run_id=job.run_id,
        checkpoints=_checkpoint_rows(checkpoints),
        cancel_text=_cancel_text(job),
        shutdown_date=shutdown_date,
    )


def _settings(job: Job) -> tuple[Fact, ...]:
    resolved = job.resolved or {}
    facts = [
        Fact("Method", job.method),
        Fact("Base model", job.base_model),
        Fact("Connection", job.connection.name),
    ]
    for name, asked in job.hyperparameters.items():
        settled = resolved.get(name)
        if asked == "auto":
            value = "auto" if settled in {None, "auto"} else _plain(settled)
            facts.append(Fact(name, value, "from auto" if value != "auto" else None))
        else:
            facts.append(Fact(name, _plain(asked)))
    facts.append(Fact("seed", str(job.seed) if job.seed is not None else "chosen by the provider"))
    facts.append(Fact("suffix", job.suffix or "none"))
    return tuple(facts)


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _files(job: Job) -> tuple[FileFact, ...]:
    training = job.training_version
    title = f"{training.dataset.name}, version {training.number}"
    if job.validation_split:
        part = f"{job.validation_split:.0%} split off" if job.training_sha256 else "to be split"
        files = [
            FileFact(
                "Training",
                title,
                training.id,
                job.training_rows or training.rows or 0,
                None,
                job.training_sha256,
            )
        ]
        files.append(
            FileFact(
                "Validation", part, None, job.validation_rows or 0, None, job.validation_sha256
            )
        )
        return tuple(files)
    files = [
        FileFact("Training", title, training.id, training.rows or 0, training.size, training.sha256)
    ]
    if job.validation_version is not None:
        held = job.validation_version
        name = f"{held.dataset.name}, version {held.number}"
        files.append(FileFact("Validation", name, held.id, held.rows or 0, held.size, held.sha256))
    return tuple(files)


def _checkpoint_rows(checkpoints: Sequence[Checkpoint]) -> tuple[CheckpointRow, ...]:
    def loss_of(checkpoint: Checkpoint) -> float | None:
        return checkpoint.metrics.get("full_valid_loss", checkpoint.metrics.get("valid_loss"))

    losses = [loss for checkpoint in checkpoints if (loss := loss_of(checkpoint)) is not None]
    best = min(losses, default=None)
    return tuple(
        CheckpointRow(
            step=checkpoint.step,
            train_loss=checkpoint.metrics.get("train_loss"),
            valid_loss=loss_of(checkpoint),
            accuracy=checkpoint.metrics.get(
                "full_valid_mean_token_accuracy",
                checkpoint.metrics.get("valid_mean_token_accuracy"),
            ),
            name=checkpoint.name,
            is_best=best is not None and loss_of(checkpoint) == best,
        )
        for checkpoint in checkpoints
    )


def _cancel_text(job: Job) -> str:
    if not job.step:
        return "Training has not begun; nothing is billed that Luthier knows of."
    done = (
        f"{job.step:,} of {job.total_steps:,} steps are done"
        if job.total_steps
        else f"{job.step:,} steps are done"
    )
    cost = _cost(job, job.step / job.total_steps if job.total_steps else 0.0)
    if cost is None:
        return f"{done}; what they cost is not in the price book."
    return f"{done} and billed, about ${cost:,.2f}." if cost else f"{done}. They cost nothing."


def _name(job: Job) -> str:
    return job.creator.name if job.creator else "someone who left"
