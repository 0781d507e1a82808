"""Every select about webhooks that come in."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.connections.models import Hook, HookDelivery


def hook_of(session: Session, connection_id: int) -> Hook | None:
    """A connection's webhook, if it has one."""
    return session.scalar(select(Hook).where(Hook.connection_id == connection_id))


def held_hook(session: Session, connection_id: int) -> Hook | None:
    """The same, and nobody else changes it until the unit of work ends."""
    query = select(Hook).where(Hook.connection_id == connection_id).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def hook_opened_by(session: Session, fingerprint: str) -> Hook | None:
    """The webhook whose address ends in the token with this fingerprint."""
    return session.scalar(select(Hook).where(Hook.fingerprint == fingerprint))


def every_hook_held(session: Session) -> Sequence[Hook]:
    """Every webhook of the instance; nobody else changes one until the unit of work ends."""
    return session.scalars(select(Hook).order_by(Hook.id).with_for_update()).all()


def delivery_of(session: Session, connection_id: int, webhook_id: str) -> HookDelivery | None:
    """The delivery that its sender calls so, if it came in before."""
    query = select(HookDelivery).where(HookDelivery.connection_id == connection_id)
    return session.scalar(query.where(HookDelivery.webhook_id == webhook_id))


def deliveries_of(
    session: Session, connection_id: int, *, after: int | None = None, limit: int
) -> Sequence[HookDelivery]:
    """What came in over a connection, the latest first, from behind `after`."""
    query = select(HookDelivery).where(HookDelivery.connection_id == connection_id)
    if after is not None:
        query = query.where(HookDelivery.id < after)
    return session.scalars(query.order_by(HookDelivery.id.desc()).limit(limit)).all()


def forget_deliveries(session: Session, *, before: datetime) -> None:
    """Forget what came in before a moment."""
    session.execute(
        delete(HookDelivery)
        .where(HookDelivery.received_at < before)
        .execution_options(synchronize_session=False)
    )
