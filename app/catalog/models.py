"""Everything that can be talked to, and the base models and tuned models behind it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, true
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
    """A model a connection lists, as its provider told us at `read_at`: a base model where it
    `can_tune`. What is listed no longer stays while its shutdown date is known.
    """

    __tablename__ = "base_models"
    __table_args__ = (UniqueConstraint("connection_id", "name"),)

    id: Mapped[Id]
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    shutdown_date: Mapped[date | None]
    can_tune: Mapped[bool] = mapped_column(default=True, server_default=true())
    methods: Mapped[list[Any]]
    context_tokens: Mapped[int | None]
    row_token_cap: Mapped[int | None]
    read_at: Mapped[datetime]

    connection: Mapped[Connection] = relationship(lazy="raise")


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


class OwnersDate(Base):
    """What the instance's owner says of a day of the catalogue, under the entry's key: another day,
    or with no day that it does not hold. An entry that `is_added` is the owner's alone, and says
    itself what stops.
    """

    __tablename__ = "owners_dates"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(String(64), unique=True)
    day: Mapped[date | None]
    why: Mapped[str] = mapped_column(Text)
    source_url: Mapped[str | None] = mapped_column(Text)
    is_added: Mapped[bool]
    profile: Mapped[str | None] = mapped_column(String(64))
    kind: Mapped[str | None] = mapped_column(String(16))
    models: Mapped[list[Any] | None]
    title: Mapped[str | None] = mapped_column(String(200))
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime]

    maker: Mapped[User | None] = relationship(lazy="raise")


class OwnersPrice(Base):
    """What the instance's owner says of what training costs over connections of a profile, for base
    models of this name or pattern: US dollars per million trained tokens, or that nobody knows.
    """

    __tablename__ = "owners_prices"
    __table_args__ = (UniqueConstraint("profile", "model"),)

    id: Mapped[Id]
    profile: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(255))
    per_million: Mapped[float | None]
    why: Mapped[str] = mapped_column(Text)
    source_url: Mapped[str | None] = mapped_column(Text)
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    changed_at: Mapped[datetime]

    maker: Mapped[User | None] = relationship(lazy="raise")
