"""Datasets and their versions."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.leases import Leased
from app.core.orm import NAMES_A_BLOB, Base, Id
from app.core.storage import Blob


class VersionStatus(StrEnum):
    """Where a version is on its way."""

    RECEIVED = "received"
    CHECKING = "checking"
    READY = "ready"
    REJECTED = "rejected"


class Dataset(Base):
    """A named set of rows with a history of versions. `held_out_id`: the dataset made to measure
    what it taught.
    """

    __tablename__ = "datasets"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(120))
    licence: Mapped[str | None] = mapped_column(String(255))
    held_out_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="SET NULL"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class DatasetVersion(Leased, Base):
    """Exact bytes and what the check found in them. The counts are null until it has.

    `progress` is where the check stands, so that any worker can go on; `report` is what it summed
    up. Where rows were made of another source, such as a table, `source_sha256` and `source_size`
    are the bytes that came, and `reading` says how they were read (`sources.Reading`).
    """

    __tablename__ = "dataset_versions"
    __table_args__ = (UniqueConstraint("dataset_id", "number"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    dataset_id: Mapped[int] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    number: Mapped[int]
    status: Mapped[str] = mapped_column(String(16))
    file_name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True, info=NAMES_A_BLOB)
    source_sha256: Mapped[str | None] = mapped_column(String(64), index=True, info=NAMES_A_BLOB)
    source_size: Mapped[int | None]
    reading: Mapped[dict[str, Any] | None]
    format: Mapped[str | None] = mapped_column(String(32))
    rows: Mapped[int | None]
    tokens: Mapped[int | None]
    errors: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    hints: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str | None] = mapped_column(Text)
    progress: Mapped[dict[str, Any] | None]
    report: Mapped[dict[str, Any] | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]

    dataset: Mapped[Dataset] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")

    @property
    def is_final(self) -> bool:
        """True once the check has spoken."""
        return self.status in {VersionStatus.READY, VersionStatus.REJECTED}

    @property
    def came_as(self) -> Blob:
        """The bytes that were uploaded, whatever was made of them."""
        if self.source_sha256 is None or self.source_size is None:
            return Blob(self.sha256, self.size)
        return Blob(self.source_sha256, self.source_size)


class DerivedStatus(StrEnum):
    """Where a further file of a version is on its way."""

    WAITING = "waiting"
    MAKING = "making"
    READY = "ready"


class Derived(Leased, Base):
    """A further file of a version that is ready, beside its index: what a `kind` of deriver makes
    of it. `progress` is where the making stands.
    """

    __tablename__ = "dataset_derived"
    __table_args__ = (UniqueConstraint("version_id", "kind"),)

    id: Mapped[Id]
    version_id: Mapped[int] = mapped_column(ForeignKey("dataset_versions.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    progress: Mapped[dict[str, Any] | None]


class Upload(Leased, Base):
    """A file on its way in over several requests: the next version of a dataset, or of a new one
    called `name`. How much of it is here is the length of its `part`: see `core/partial.py`.

    `sha256` is what the sender says; `found` what arrived has, written before the part becomes a
    blob. It is due when it may have to be forgotten: a day after its last byte.
    """

    __tablename__ = "uploads"
    IS_POISONABLE: ClassVar[bool] = False

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    dataset_id: Mapped[int | None] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    file_name: Mapped[str] = mapped_column(String(255))
    modified: Mapped[int | None]
    size: Mapped[int]
    sha256: Mapped[str | None] = mapped_column(String(64))
    part: Mapped[str] = mapped_column(String(32), unique=True)
    found: Mapped[str | None] = mapped_column(String(64))
    version_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="CASCADE")
    )
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]


class ModerationStatus(StrEnum):
    """Where the moderation of a version is on its way."""

    ASKING = "asking"
    DONE = "done"
    STOPPED = "stopped"


class Moderation(Leased, Base):
    """What a provider says of a version's rows, one by one, since somebody asked: the last time.

    `n` rows are behind it, `flagged` of them fall under something; `found` has how many by
    category, and the first rows: line, categories, score.
    """

    __tablename__ = "dataset_moderations"

    id: Mapped[Id]
    version_id: Mapped[int] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="CASCADE"), unique=True
    )
    connection_id: Mapped[int | None] = mapped_column(
        ForeignKey("connections.id", ondelete="SET NULL")
    )
    status: Mapped[str] = mapped_column(String(16))
    n: Mapped[int] = mapped_column(default=0)
    flagged: Mapped[int] = mapped_column(default=0)
    found: Mapped[dict[str, Any]]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
