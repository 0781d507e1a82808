"""Connections, who tested one lately, and the webhooks that come in over them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.leases import Leased
from app.core.orm import Base, Id


class Connection(Leased, Base):
    """An account at a provider. The lease is that of its sweeps: one worker at a time looks at its
    runs.

    `swept_at` is when they were last looked at, `sweep_seconds` how long after it the next look
    comes, where nobody waits for it. `not_before` holds every call of a connection that was told to
    wait; `refused_at` says the key was turned down, and then nothing is sent until it is another.
    `calls_spent_until` counts calls: how far ahead of the clock its allowance is used up. The admin
    key, where there is one, only reads what belongs to the whole organisation. `account` is what
    the last test found (an `AccountInfo`), `account_at` its date; `test_due_at` says that a test
    was asked for, `models_due_at` when its list of models is read again (None: now),
    `orphans_due_at` when it is looked through for runs of ours that no job has (None: nothing was
    ordered lately). `hooked_at` says when a webhook of its provider last arrived.
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
    swept_at: Mapped[datetime | None]
    orphans_due_at: Mapped[datetime | None] = mapped_column(index=True)
    hooked_at: Mapped[datetime | None]
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


class Hook(Base):
    """A connection's webhook: the address its provider calls, and the secret it signs with.

    The address ends in a token, kept as its fingerprint and sealed, so that it can be shown again;
    `address` is what stands before it. `endpoint_id` is the provider's, None where a person made
    the endpoint there. Without a secret nothing is believed yet. The old secret is good until
    `old_until`. `asked_at` says that the provider was asked for a secret and the answer is not kept
    yet. `refused_at` and `refused_words` are of the last delivery that was turned down.
    """

    __tablename__ = "hooks"

    id: Mapped[Id]
    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), index=True
    )
    connection_id: Mapped[int] = mapped_column(
        ForeignKey("connections.id", ondelete="CASCADE"), unique=True
    )
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    sealed_token: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str] = mapped_column(String(2048))
    endpoint_id: Mapped[str | None] = mapped_column(String(255))
    sealed_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    secret_hint: Mapped[str | None] = mapped_column(String(8))
    secret_set_at: Mapped[datetime | None]
    sealed_old_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_until: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    refused_at: Mapped[datetime | None]
    refused_words: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime]


class HookDelivery(Base):
    """A webhook that came in and was believed to be its provider's, whatever became of the hook:
    the same one has one effect, however often and over whichever of a connection's hooks it comes.

    `webhook_id` is the sender's; `times` counts arrivals. `outcome` says what was done: "looked"
    (the next look at the runs was brought forward), "searched" (no job has the run yet, and an
    order waits for one: it is looked for), "known" (its job had ended already), "unknown" (no job's
    run), "ignored" (not about a run).
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (UniqueConstraint("connection_id", "webhook_id"),)

    id: Mapped[Id]
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"))
    webhook_id: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(100))
    run_id: Mapped[str | None] = mapped_column(String(255))
    outcome: Mapped[str] = mapped_column(String(16))
    times: Mapped[int] = mapped_column(default=1)
    sent_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)
