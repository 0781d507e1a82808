"""Jobs, the attempts to start them, what their runs said, and their metrics in chunks."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.connections.models import Connection
from app.core.leases import Leased
from app.core.orm import NAMES_A_BLOB, Base, Id
from app.datasets.models import DatasetVersion


class JobStatus(StrEnum):
    """Where a job is; what must happen next follows from it."""

    QUEUED = "queued"
    STARTING = "starting"
    IN_DOUBT = "in_doubt"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    VANISHED = "vanished"


ENDED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})
FOLLOWED = frozenset({JobStatus.RUNNING, JobStatus.PAUSED})
WAITING = frozenset({JobStatus.QUEUED, JobStatus.STARTING})
# What an order's outcome is while nobody knows whether it made a run.
UNSURE = frozenset({None, "unknown", "given_up"})
UNENDED = frozenset(JobStatus) - ENDED - {JobStatus.VANISHED}


class Job(Leased, Base):
    """One fine-tuning job: the intent (frozen from the click on), and how its run is doing.

    The lease is that of its start; once it runs, its connection's sweeps follow it. `op_key` tags
    the run at the provider. Hyperparameters carry OpenAI's names; `resolved` holds the numbers the
    provider settled on. `run_status` is what its run is in our words. `events_at` is when its log
    was last read; where it is null after the end, the last lines are still to be read.

    A job with `rescued_at` was asked for elsewhere and came home with its provider's history:
    nothing was ever started for it here, nobody here asked for it, and its rows may be no dataset.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("project_id", "request_key"),
        # The list is sorted and filtered from this index alone: a job's own row is long.
        Index(
            "ix_jobs_listed",
            "project_id",
            "created_at",
            "id",
            "archived_at",
            "status",
            "name",
            "base_model",
            "connection_id",
            "training_version_id",
            "created_by",
            "best_valid_loss",
            "ended_at",
            postgresql_where=text("archived_at IS NULL"),
            sqlite_where=text("archived_at IS NULL"),
        ),
        Index(None, "project_id", "status", "ended_at"),
        Index(None, "connection_id", "status"),
        Index(
            "ix_jobs_unread",
            "connection_id",
            "changed_at",
            postgresql_where=text("events_at IS NULL"),
            sqlite_where=text("events_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]
    rescued_at: Mapped[datetime | None]

    name: Mapped[str] = mapped_column(String(120))
    status: Mapped[str] = mapped_column(String(16), index=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="RESTRICT"))
    base_model: Mapped[str] = mapped_column(String(255))
    method: Mapped[str] = mapped_column(String(32))
    training_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="RESTRICT")
    )
    validation_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="RESTRICT")
    )
    validation_split: Mapped[float | None]
    hyperparameters: Mapped[dict[str, Any]]
    suffix: Mapped[str | None] = mapped_column(String(64))
    seed: Mapped[int | None]
    estimate: Mapped[dict[str, Any]]

    op_key: Mapped[str] = mapped_column(String(36), unique=True)
    request_key: Mapped[str] = mapped_column(String(255))
    request_sha256: Mapped[str] = mapped_column(String(64))
    # As text: PostgreSQL's JSON forgets the order of the fields, and a repeat gets the same bytes.
    first_answer: Mapped[str | None] = mapped_column(Text)

    training_sha256: Mapped[str | None] = mapped_column(String(64), info=NAMES_A_BLOB)
    training_rows: Mapped[int | None]
    validation_sha256: Mapped[str | None] = mapped_column(String(64), info=NAMES_A_BLOB)
    validation_rows: Mapped[int | None]
    training_file_id: Mapped[str | None] = mapped_column(String(255))
    validation_file_id: Mapped[str | None] = mapped_column(String(255))

    run_id: Mapped[str | None] = mapped_column(String(255))
    provider_status: Mapped[str | None] = mapped_column(String(255))
    run_status: Mapped[str | None] = mapped_column(String(16))
    resolved: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime | None]
    training_since: Mapped[datetime | None]
    estimated_finish_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    trained_tokens: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(Text)
    misses: Mapped[int] = mapped_column(default=0)
    missed_since: Mapped[datetime | None]

    step: Mapped[int | None]
    total_steps: Mapped[int | None]
    train_loss: Mapped[float | None]
    valid_loss: Mapped[float | None]
    best_valid_loss: Mapped[float | None]
    best_valid_step: Mapped[int | None]
    spark: Mapped[dict[str, Any] | None]
    known_event_id: Mapped[str | None] = mapped_column(String(255))
    events_bytes: Mapped[int] = mapped_column(default=0)
    events_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]
    watched_until: Mapped[datetime | None]

    connection: Mapped[Connection] = relationship(lazy="raise")
    training_version: Mapped[DatasetVersion | None] = relationship(
        lazy="raise", foreign_keys=[training_version_id]
    )
    validation_version: Mapped[DatasetVersion | None] = relationship(
        lazy="raise", foreign_keys=[validation_version_id]
    )
    creator: Mapped[User | None] = relationship(lazy="raise")

    @property
    def has_ended(self) -> bool:
        """True when nothing more will happen by itself."""
        return self.status in ENDED or self.status == JobStatus.VANISHED


class StartAttempt(Base):
    """One order to the provider, written down before it is sent. `outcome` is null until it is
    proved; `given_up` is one that never was, after which a person let another go out.

    `looks` counts the looks at the provider's list that found no run of it, since `looking_since`
    where a person asked for them anew, else since it was sent.
    """

    __tablename__ = "start_attempts"
    __table_args__ = (UniqueConstraint("job_id", "number"),)

    id: Mapped[Id]
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    number: Mapped[int]
    fence: Mapped[int]
    sent_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(String(32))
    http_status: Mapped[int | None]
    words: Mapped[str | None] = mapped_column(Text)
    looks: Mapped[int] = mapped_column(default=0)
    looking_since: Mapped[datetime | None]


class StartLook(Base):
    """A look at the provider's list for the run of an order, and what the list said. The same
    failure again is the same row, `times` counted.
    """

    __tablename__ = "start_looks"

    id: Mapped[Id]
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)
    is_answered: Mapped[bool]
    words: Mapped[str] = mapped_column(Text)


class Orphan(Base):
    """A run that carries this instance's tag and that no job here has for its own.

    `job_id` is the job whose order it came from, where that is known. It waits for a person until
    `settled_at`; `outcome` is then adopted, cancelled, ended, or not_ours. `words` say why it could
    not be cancelled when that was last tried. One that is not `is_tagged` carries nobody's tag and
    trains on the file of its job, whose order is in doubt: it may be that job's run.
    """

    __tablename__ = "orphans"
    __table_args__ = (
        UniqueConstraint("connection_id", "run_id"),
        Index(None, "project_id", "settled_at"),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    job_id: Mapped[int | None] = mapped_column(
        ForeignKey("jobs.id", ondelete="SET NULL"), index=True
    )
    run_id: Mapped[str] = mapped_column(String(255))
    base_model: Mapped[str] = mapped_column(String(255))
    provider_status: Mapped[str] = mapped_column(String(255))
    has_ended: Mapped[bool]
    ordered_at: Mapped[datetime | None]
    found_at: Mapped[datetime]
    cancel_asked_at: Mapped[datetime | None]
    is_tagged: Mapped[bool] = mapped_column(default=True, server_default=true())
    words: Mapped[str | None] = mapped_column(Text)
    settled_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))

    connection: Mapped[Connection] = relationship(lazy="raise")
    job: Mapped[Job | None] = relationship(lazy="raise")


class JobEvent(Base):
    """One line of a job's log, the provider's or our own. `event_id` is the provider's."""

    __tablename__ = "job_events"
    __table_args__ = (UniqueConstraint("job_id", "event_id"), Index(None, "job_id", "at", "id"))

    id: Mapped[Id]
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    event_id: Mapped[str | None] = mapped_column(String(255))
    at: Mapped[datetime]
    level: Mapped[str] = mapped_column(String(16))
    is_ours: Mapped[bool]
    text: Mapped[str] = mapped_column(Text)


class Checkpoint(Base):
    """A model saved on the way."""

    __tablename__ = "checkpoints"
    __table_args__ = (UniqueConstraint("job_id", "step"),)

    id: Mapped[Id]
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    step: Mapped[int]
    name: Mapped[str] = mapped_column(String(255))
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class MetricChunk(Base):
    """Up to 4,096 points of one series. Level 0 holds every point; each level above keeps the
    minimum and the maximum of 16 points of the level below. `steps` are int64, `points` float64,
    both little-endian.
    """

    __tablename__ = "metric_chunks"

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    series: Mapped[str] = mapped_column(String(64), primary_key=True)
    level: Mapped[int] = mapped_column(primary_key=True)
    first_step: Mapped[int] = mapped_column(primary_key=True)
    last_step: Mapped[int]
    n: Mapped[int]
    steps: Mapped[bytes] = mapped_column(LargeBinary)
    points: Mapped[bytes] = mapped_column("values", LargeBinary)
