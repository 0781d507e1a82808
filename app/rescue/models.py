"""Rescues, their parts (one for each connection), and what came home: the manifest."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.connections.models import Connection
from app.core.leases import Leased
from app.core.orm import NAMES_A_BLOB, Base, Id
from app.datasets.models import DatasetVersion
from app.jobs.models import Job


class Kind(StrEnum):
    """What an object of the manifest is. `eval_items` are all output items of one run,
    `job_events` and `checkpoints` all of one job, `permissions` all of one checkpoint, `usage` a
    stretch of days: JSONL, one line as the provider wrote it each. A `completion` holds its
    messages too. The rest is one JSON object, and a `file` its own bytes.
    """

    EVAL = "eval"
    EVAL_RUN = "eval_run"
    EVAL_ITEMS = "eval_items"
    MODEL = "model"
    JOB = "job"
    JOB_EVENTS = "job_events"
    CHECKPOINTS = "checkpoints"
    PERMISSIONS = "permissions"
    FILE = "file"
    USAGE = "usage"
    COMPLETION = "completion"


class Outcome(StrEnum):
    """What became of an object.

    `refused`: the provider will not give it, in its words. `gone`: it does not know it any more.
    `failed`: tried often enough; a person may ask again. `damaged`: what lies here is no longer
    what came.
    """

    WAITING = "waiting"
    HOME = "home"
    REFUSED = "refused"
    GONE = "gone"
    FAILED = "failed"
    DAMAGED = "damaged"


class Stage(StrEnum):
    """How far a part is. `looked` waits for a person's word, unless it was given before."""

    LOOKING = "looking"
    LOOKED = "looked"
    FETCHING = "fetching"
    VERIFYING = "verifying"
    USING = "using"
    DONE = "done"


WORKING = frozenset({Stage.LOOKING, Stage.FETCHING, Stage.VERIFYING, Stage.USING})


class Rescue(Base):
    """One go at bringing home what lies behind some connections. What is there already stays."""

    __tablename__ = "rescues"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    with_completions: Mapped[bool]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]

    creator: Mapped[User | None] = relationship(lazy="raise")
    parts: Mapped[list["RescuePart"]] = relationship(
        lazy="raise", back_populates="rescue", order_by="RescuePart.id"
    )


class RescuePart(Leased, Base):
    """A rescue's work over one connection, slice by slice.

    `is_asked_for` says that fetching may follow the look. `place` is where the stage at hand goes
    on (the list and its cursor, the last row verified or used). `kinds` says what cannot be listed
    here at all, and why, by kind. `pace` is how many requests a second the provider took last,
    `pace_limit` where it last said no, null before it ever did.
    `words` say why it stands still: a refused key, a full disk.
    """

    __tablename__ = "rescue_parts"
    __table_args__ = (UniqueConstraint("rescue_id", "connection_id"),)

    id: Mapped[Id]
    rescue_id: Mapped[int] = mapped_column(ForeignKey("rescues.id", ondelete="CASCADE"))
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    connection_id: Mapped[int] = mapped_column(
        ForeignKey("connections.id", ondelete="RESTRICT"), index=True
    )
    stage: Mapped[str] = mapped_column(String(16))
    is_asked_for: Mapped[bool]
    is_paused: Mapped[bool] = mapped_column(default=False)
    place: Mapped[dict[str, Any]]
    kinds: Mapped[dict[str, Any]]
    pace: Mapped[float | None]
    pace_limit: Mapped[float | None]
    words: Mapped[str | None] = mapped_column(Text)
    looked_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]

    rescue: Mapped[Rescue] = relationship(lazy="raise", back_populates="parts")
    connection: Mapped[Connection] = relationship(lazy="raise")


class RescuedObject(Base):
    """One line of the manifest: an object behind a connection, seen by any rescue, once.

    `rank` is its place in the order of fetching, the lowest first. `parent_id` is the provider's id
    of what it belongs to: a run's eval, a checkpoint's job. `announced` are the bytes the provider
    named, `lines` the items of a JSONL. `facts` are the few fields that pages show, so that a page
    of the manifest opens no blob. `version_id` and `job_id` are what it became here; `why_raw` says
    why it stays as it came.
    """

    __tablename__ = "rescued_objects"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "object_id"),
        Index(None, "connection_id", "outcome", "rank", "id"),
        Index(None, "project_id", "kind", "id"),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="RESTRICT"))
    rescue_id: Mapped[int | None] = mapped_column(
        ForeignKey("rescues.id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[str] = mapped_column(String(255))
    parent_id: Mapped[str | None] = mapped_column(String(255), index=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    rank: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(16))
    announced: Mapped[int | None]
    size: Mapped[int | None]
    lines: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64), index=True, info=NAMES_A_BLOB)
    facts: Mapped[dict[str, Any]]
    error: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(default=0)
    retry_at: Mapped[datetime | None]
    listed_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    why_raw: Mapped[str | None] = mapped_column(Text)
    version_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="SET NULL"), index=True
    )
    job_id: Mapped[int | None] = mapped_column(
        ForeignKey("jobs.id", ondelete="SET NULL"), index=True
    )

    connection: Mapped[Connection] = relationship(lazy="raise")
    version: Mapped[DatasetVersion | None] = relationship(lazy="raise")
    job: Mapped[Job | None] = relationship(lazy="raise")
