"""Connections, and who tested one lately."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.leases import Leased
from app.core.orm import Base, Id


class Connection(Leased, Base):
    """An account at a provider. The lease is that of its sweeps: one worker at a time looks at its
    runs.

    `not_before` holds every call of a connection that was told to wait; `refused_at` says the key
    was turned down, and then nothing is sent until it is another. `calls_spent_until` counts calls:
    how far ahead of the clock its allowance is used up. The admin key, where there is one, only
    reads what belongs to the whole organisation. `account` is what the last test found (an
    `AccountInfo`), `account_at` its date; `test_due_at` says that a test was asked for,
    `models_due_at` when its list of models is read again (None: now), `orphans_due_at` when it is
    looked through for runs of ours that no job has (None: nothing was ordered lately).
    """

    __tablename__ = "connections"
    IS_POISONABLE = False
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(32))
    profile: Mapped[str] = mapped_column(String(64))
    base_url: Mapped[str] = mapped_column(String(2048))
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    key_hint: Mapped[str] = mapped_column(String(8))
    key_set_at: Mapped[datetime | None]
    sealed_admin_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    admin_key_hint: Mapped[str | None] = mapped_column(String(8))
    admin_key_set_at: Mapped[datetime | None]
    is_practice: Mapped[bool] = mapped_column(default=False)
    checked_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    words: Mapped[str | None] = mapped_column(Text)
    account: Mapped[dict[str, Any] | None]
    account_at: Mapped[datetime | None]
    test_due_at: Mapped[datetime | None] = mapped_column(index=True)
    models_due_at: Mapped[datetime | None]
    orphans_due_at: Mapped[datetime | None] = mapped_column(index=True)
    not_before: Mapped[datetime | None]
    calls_spent_until: Mapped[datetime | None]
    sweep_seconds: Mapped[float] = mapped_column(default=15.0)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]


class ConnectionTest(Base):
    """Somebody tested a connection: counted, so that nobody knocks at strangers' doors all day."""

    __tablename__ = "connection_tests"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(index=True)
