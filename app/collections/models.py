"""Collections of rows that people save, and the rows."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.auth.models import User
from app.core.orm import Base, Id
from app.datasets.models import Dataset


class Kind(StrEnum):
    """The format of a collection's rows, by its name in `formats.registry`."""

    CHAT = "chat"
    PREFERENCE = "preference"
    EVALUATION = "evaluation"


class Collection(Base):
    """Rows of one format that gather under a name. `dataset_id` is the dataset made of them last,
    whose next version is made of them the next time.
    """

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("project_id", "format", "name"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    format: Mapped[str] = mapped_column(String(16))
    dataset_id: Mapped[int | None] = mapped_column(
        ForeignKey("datasets.id", ondelete="SET NULL"), index=True
    )
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    dataset: Mapped[Dataset | None] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")


class CollectionRow(Base):
    """One row as it will stand in a file. `origin` says in words what it was made of, and
    `conversation_id` where that was said: the row stays when the conversation goes.

    A row that is taken out can be put back until `removed_at` is a day ago.
    """

    __tablename__ = "collection_rows"
    __table_args__ = (
        UniqueConstraint("collection_id", "digest"),
        Index(None, "collection_id", "removed_at"),
    )

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    collection_id: Mapped[int] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    line: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(Text)
    # The key alone: conversations are above, and nothing of them is known here.
    conversation_id: Mapped[int | None] = mapped_column(
        ForeignKey("conversations.id", ondelete="SET NULL"), index=True
    )
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    collection: Mapped[Collection] = relationship(lazy="raise")
    creator: Mapped[User | None] = relationship(lazy="raise")
