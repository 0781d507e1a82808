"""Everything that can be talked to, and the base models and tuned models behind it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.connections.models import Connection
from app.core.orm import Base, Id
from app.datasets.models import DatasetVersion


class ModelRef(Base):
    """A model at a connection under the name its provider knows it by; chat and evaluations take
    nothing else.

    `deployment_id` is for platforms that serve a model only once it is deployed.
    """

    __tablename__ = "model_refs"
    __table_args__ = (Index(None, "connection_id", "name", unique=True),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="RESTRICT"))
    name: Mapped[str] = mapped_column(String(255))
    deployment_id: Mapped[int | None]
    created_at: Mapped[datetime]

    connection: Mapped[Connection] = relationship(lazy="raise")


class BaseModel(Base):
    """A model that can be tuned over a connection, as its provider told us at `read_at`."""

    __tablename__ = "base_models"
    __table_args__ = (UniqueConstraint("connection_id", "name"),)

    id: Mapped[Id]
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    shutdown_date: Mapped[date | None]
    methods: Mapped[list[Any]]
    context_tokens: Mapped[int | None]
    row_token_cap: Mapped[int | None]
    read_at: Mapped[datetime]


class TunedModel(Base):
    """What a succeeded job made, with the rows it learned from. `lineage` is how, frozen when the
    job ended. Of a model that came home from a provider the rows may be unknown, and the job too.
    """

    __tablename__ = "tuned_models"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    model_ref_id: Mapped[int] = mapped_column(ForeignKey("model_refs.id", ondelete="RESTRICT"))
    job_id: Mapped[int | None] = mapped_column(
        ForeignKey("jobs.id", ondelete="RESTRICT"), unique=True
    )
    dataset_version_id: Mapped[int | None] = mapped_column(
        ForeignKey("dataset_versions.id", ondelete="RESTRICT")
    )
    name: Mapped[str] = mapped_column(String(120))
    base_model: Mapped[str] = mapped_column(String(255))
    best_valid_loss: Mapped[float | None]
    lineage: Mapped[dict[str, Any]]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]

    ref: Mapped[ModelRef] = relationship(lazy="raise")
    dataset_version: Mapped[DatasetVersion | None] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")
