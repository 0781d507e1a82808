"""What the pages of jobs show: the list, and one job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from app.budgets.lines import BudgetLine, JobSpend, spend_words
from app.budgets.models import Spend
from app.catalog.belief import Said
from app.connections.views import Stop, stop_of
from app.core.choosing import Act
from app.core.leases import is_poisoned
from app.core.list_views import ListView
from app.jobs import words
from app.jobs.charts import SparkPaths, spark
from app.jobs.costs import cancel_text, cost_note, cost_so_far, share_done
from app.jobs.frozen import (
    CheckpointRow,
    Fact,
    FileFact,
    checkpoint_rows,
    files_of,
    settings_of,
)
from app.jobs.models import Checkpoint, Job, JobEvent, JobStatus, Orphan
from app.jobs.resources import is_graded
from app.jobs.retraining import like
from app.jobs.views_doubt import DoubtView, OrphanRow, orphan_row
from app.projects.views import initials


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job in the list. `cost` None is unknown, `is_free` says that it will never cost anything;
    `stops` is the day its base model is shut down, where that is known. `origin` is whose history a
    rescued job is of; its rows may be no dataset.
    """

    id: int
    name: str
    status: str
    provider_status: str | None
    base_model: str
    connection: str
    origin: str | None
    dataset: str | None
    dataset_number: int | None
    version_id: int | None
    best_valid_loss: float | None
    step: int | None
    steps: int | None
    left_seconds: float | None
    cost: float | None
    is_free: bool
    spark: SparkPaths | None
    by: str
    by_initials: str
    created_at: datetime
    ended_at: datetime | None
    trained_tokens: int | None
    method: str
    run_id: str | None
    stops: date | None


@dataclass(frozen=True, slots=True)
class IndexView:
    """The list of a project's jobs; its fragment "rows" refreshes itself on `topic`. `told` is what
    came of the last thing done to many; `acts` what can be done to those chosen. `budget` is None
    while there is nothing to say of it.
    """

    project_id: int
    jobs: tuple[JobRow, ...]
    list: ListView
    can_edit: bool
    has_jobs: bool
    has_ready_version: bool
    told: str
    acts: tuple[Act, ...]
    budget: BudgetLine | None
    topic: str


@dataclass(frozen=True, slots=True)
class OverConnectionView:
    """The latest jobs over a connection, a slot of its page, and the runs there that no job has;
    it refreshes itself on `topic`.
    """

    jobs: tuple[JobRow, ...]
    orphans: tuple[OrphanRow, ...]
    may_spend: bool
    total: int
    refresh_url: str
    topic: str


@dataclass(frozen=True, slots=True)
class EventLine:
    """`level` is info, warn or error; `by` is Luthier or the connection's name."""

    at: datetime
    text: str
    level: str
    by: str


@dataclass(frozen=True)
class ProgressView:
    """State in words and numbers: enough for the fragment "progress". `lead` says how things stand
    ("Training on Practice, step 61 of 936."), `next` what happens next. `phase` marks the way:
    queued, sending, training, done. Losses None until there is one. While `is_final` is False the
    panel asks again. `like` holds the form's fields for another job of the same kind, where there
    may be one. `origin` is whose history a rescued job is of, None for one asked for here.
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
    cancel_text: str
    can_retry: bool
    like: Mapping[str, str]
    by: str
    created_at: datetime
    origin: str | None
    rescued_at: datetime | None
    stop: Stop | None
    doubt: DoubtView | None
    connection: str


@dataclass(frozen=True)
class EventsView:
    """For the fragment "events": newest first. `events_shown` is `all` or empty."""

    job_id: int
    is_final: bool
    events: tuple[EventLine, ...]
    events_total: int
    events_url: str | None
    events_shown: str


@dataclass(frozen=True)
class ShowView(ProgressView, EventsView):
    """One job. Settings and files are frozen; the chart fetches jobs.metrics?after_step=N and shows
    the `measure`: loss or reward.
    """

    settings: tuple[Fact, ...]
    frozen_at: datetime
    is_practice: bool
    files: tuple[FileFact, ...]
    run_id: str | None
    checkpoints: tuple[CheckpointRow, ...]
    measure: str
    stops: Said | None
    spend: JobSpend | None


def index(
    project_id: int,
    jobs: Sequence[Job],
    listed: ListView,
    *,
    moment: datetime,
    stops: Mapping[tuple[int, str], Said],
    **rest: Any,
) -> IndexView:
    """The list of a project's jobs."""
    return IndexView(
        project_id=project_id,
        jobs=tuple(
            _row(job, moment, stops.get((job.connection_id, job.base_model))) for job in jobs
        ),
        list=listed,
        topic=f"project:{project_id}",
        **rest,
    )


def over_connection(
    project_id: int,
    jobs: Sequence[Job],
    orphans: Sequence[Orphan],
    *,
    may_spend: bool,
    moment: datetime,
    total: int,
    refresh_url: str,
) -> OverConnectionView:
    """The latest jobs of a connection, for its page."""
    rows = tuple(_row(job, moment, None) for job in jobs)
    strays = tuple(orphan_row(one) for one in orphans)
    topic = f"project:{project_id}"
    return OverConnectionView(rows, strays, may_spend, total, refresh_url, topic)


def _row(job: Job, moment: datetime, stops: Said | None) -> JobRow:
    version = job.training_version
    return JobRow(
        id=job.id,
        name=job.name,
        status=job.status,
        provider_status=job.provider_status,
        base_model=job.base_model,
        connection=job.connection.name,
        origin=words.origin_of(job),
        dataset=version.dataset.name if version else None,
        dataset_number=version.number if version else None,
        version_id=version.id if version else None,
        best_valid_loss=job.best_valid_loss,
        step=job.step,
        steps=job.total_steps,
        left_seconds=words.left_seconds(job, moment),
        cost=cost_so_far(job),
        is_free=job.estimate.get("per_million") == 0,
        spark=spark(job.spark, step=job.step, total_steps=job.total_steps),
        by=words.asker_of(job),
        by_initials=initials(words.origin_of(job) or words.asker_of(job)),
        created_at=job.created_at,
        ended_at=job.ended_at,
        trained_tokens=job.trained_tokens,
        method=job.method,
        run_id=job.run_id,
        stops=stops.day if stops else None,
    )


class Facts(NamedTuple):
    """What a job's page needs beside its row: the time, the model it made, whether an order is out
    to which nobody has an answer, whether the reader may start and stop jobs, and whether the
    instance holds all starts back.
    """

    moment: datetime
    model_id: int | None
    is_order_out: bool
    may_spend: bool
    doubt: DoubtView | None = None
    is_held: bool = False


def _progress_fields(job: Job, facts: Facts) -> dict[str, Any]:
    moment = facts.moment
    standing = words.Standing(is_poisoned(job, moment), facts.is_order_out, facts.is_held)
    epochs = (job.resolved or {}).get("n_epochs")
    epochs = epochs if isinstance(epochs, int) else None
    share = share_done(job)
    since = job.training_since or job.started_at
    return {
        "job_id": job.id,
        "project_id": job.project_id,
        "name": job.name,
        "status": job.status,
        "provider_status": job.provider_status,
        "is_final": job.has_ended,
        "lead": words.lead(job, standing),
        "next": words.what_next(job, standing),
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
        "cost": cost_so_far(job),
        "cost_note": cost_note(job),
        "error": job.error,
        "model_id": facts.model_id,
        "can_cancel": facts.may_spend
        and not job.has_ended
        and (job.cancel_requested_at is None or job.status == JobStatus.IN_DOUBT),
        "cancel_text": cancel_text(job) if facts.may_spend and not job.has_ended else "",
        "can_retry": facts.may_spend and standing.is_poisoned,
        "like": _again(job) if facts.may_spend else {},
        "by": words.asker_of(job),
        "created_at": job.created_at,
        "origin": words.origin_of(job),
        "rescued_at": job.rescued_at,
        "stop": None if job.has_ended else stop_of(job.connection),
        "doubt": facts.doubt,
        "connection": job.connection.name,
    }


def _again(job: Job) -> Mapping[str, str]:
    """The form's words for asking once more: of a rescued job all that can come along, of ours the
    same settings once it has ended.
    """
    if job.rescued_at is not None:
        return {"from": str(job.id)}
    return like(job) if job.has_ended else {}


def progress(job: Job, facts: Facts) -> ProgressView:
    """The panel that says how the job stands."""
    return ProgressView(**_progress_fields(job, facts))


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
    facts: Facts,
    *,
    events: Sequence[JobEvent],
    events_total: int,
    events_url: str | None,
    events_shown: str,
    checkpoints: Sequence[Checkpoint],
    stops: Said | None,
    spend: Spend | None,
) -> ShowView:
    """The whole page of one job."""
    return ShowView(
        **_progress_fields(job, facts),
        events=event_lines(job, events),
        events_total=events_total,
        events_url=events_url,
        events_shown=events_shown,
        settings=settings_of(job),
        frozen_at=job.created_at,
        is_practice=job.connection.is_practice,
        files=files_of(job),
        run_id=job.run_id,
        checkpoints=checkpoint_rows(checkpoints),
        measure="reward" if is_graded(job) else "loss",
        stops=stops,
        spend=spend_words(spend) if spend else None,
    )
