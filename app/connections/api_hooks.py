"""A connection's webhook as JSON."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.connections import hook_asking, hook_setup, queries, queries_hooks
from app.connections.access import ConnectionToTest, ManagedConnection, TestSeat
from app.connections.forms import HookForm
from app.connections.hook_secrets import url_of
from app.connections.hook_views import old_until, status_of
from app.connections.models import Connection, HookDelivery
from app.core import clock
from app.core.api import After, Limit, Listing, listing
from app.core.database import DbSession, read_only, unit_of_work
from app.core.errors import NotFound

router = APIRouter(prefix="/api/v1/connections/{connection_id}/webhook", tags=["connections"])


@dataclass(frozen=True, slots=True)
class HookResource:
    """A connection's webhook. `url` is what its provider calls; `status` is waiting (for its
    secret), unreadable (set it up again) or ready; `endpoint_id` is null where a person made the
    endpoint. The secret is never given back, only its end; the one before is good until
    `old_secret_until`. `refused_words` say why the last delivery that was turned down was.
    """

    url: str | None
    status: str
    endpoint_id: str | None
    secret_hint: str | None
    secret_set_at: datetime | None
    old_secret_until: datetime | None
    last_delivery_at: datetime | None
    refused_at: datetime | None
    refused_words: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HookTestResource:
    """The status with which this instance answered the provider's test."""

    status_code: int


@dataclass(frozen=True, slots=True)
class HookDeliveryResource:
    """One that came in. `outcome` says what followed: looked, searched, known, unknown, ignored."""

    id: int
    webhook_id: str
    type: str
    run_id: str | None
    outcome: str
    times: int
    sent_at: datetime
    received_at: datetime


@router.get("", name="api.webhooks.show")
def show(session: DbSession, connection: ManagedConnection) -> HookResource:
    """A connection's webhook; 404 while it has none."""
    return _resource(session, connection)


@router.post("", name="api.webhooks.set_up", status_code=201)
def set_up(entered: ConnectionToTest, _seat: TestSeat, body: HookForm) -> HookResource:
    """Set a webhook up at the provider, by its API; or make an address for one that a person sets
    up there, and keep its secret. One that is there keeps its address.
    """
    connection, user_id = entered.thing, entered.user.id
    if body.by_hand or body.secret is not None:
        with unit_of_work() as session:
            row = hook_setup.held(session, connection)
            hook_setup.begin(session, row, actor_id=user_id)
            if body.secret is not None:
                secret = body.secret.get_secret_value()
                hook_setup.keep_by_hand(session, row, secret, actor_id=user_id)
    else:
        hook_asking.set_up(connection, user_id=user_id)
    return _fresh(connection)


@router.post("/rotate", name="api.webhooks.rotate")
def rotate(entered: ConnectionToTest, _seat: TestSeat) -> HookResource:
    """Let the provider make another secret; the one before is good for another day."""
    hook_asking.rotate(entered.thing, user_id=entered.user.id)
    return _fresh(entered.thing)


@router.post("/test", name="api.webhooks.test")
def test(entered: ConnectionToTest, _seat: TestSeat) -> HookTestResource:
    """Let the provider deliver a sample now."""
    return HookTestResource(hook_asking.test(entered.thing))


@router.get("/deliveries", name="api.webhooks.deliveries")
def deliveries(
    session: DbSession, connection: ManagedConnection, after: After = None, limit: Limit = 50
) -> Listing[HookDeliveryResource]:
    """What came in within seven days, the latest first."""
    rows = queries_hooks.deliveries_of(session, connection.id, after=after, limit=limit + 1)
    return listing(rows, limit, _delivery)


@router.delete("", name="api.webhooks.remove", status_code=204)
def remove(entered: ConnectionToTest, _seat: TestSeat, here_only: bool = False) -> Response:
    """Remove the endpoint at the provider and the address here; with `here_only` the address
    alone.
    """
    hook_asking.remove(entered.thing, user_id=entered.user.id, here_only=here_only)
    return Response(status_code=204)


def _fresh(connection: Connection) -> HookResource:
    with read_only() as session:
        row = queries.connection_by_id(session, connection.id)
        if row is None:
            raise NotFound
        return _resource(session, row)


def _resource(session: Session, connection: Connection) -> HookResource:
    hook = queries_hooks.hook_of(session, connection.id)
    if hook is None:
        raise NotFound(hook_setup.NOT_SET_UP)
    return HookResource(
        url=url_of(hook),
        status=status_of(hook),
        endpoint_id=hook.endpoint_id,
        secret_hint=hook.secret_hint,
        secret_set_at=hook.secret_set_at,
        old_secret_until=old_until(hook, clock.now(session)),
        last_delivery_at=connection.hooked_at,
        refused_at=hook.refused_at,
        refused_words=hook.refused_words,
        created_at=hook.created_at,
    )


def _delivery(row: HookDelivery) -> HookDeliveryResource:
    return HookDeliveryResource(
        id=row.id,
        webhook_id=row.webhook_id,
        type=row.type,
        run_id=row.run_id,
        outcome=row.outcome,
        times=row.times,
        sent_at=row.sent_at,
        received_at=row.received_at,
    )
