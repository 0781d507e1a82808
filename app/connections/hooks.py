"""What comes in over a webhook: believed when it is signed, kept once, and no more than a hint.

It says that there may be news of a run. What a run really does, only the provider's own list says:
nothing of a delivery but its run's id is looked at, and whoever loses, doubles or delays deliveries
changes nothing but how soon somebody looks.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from http import HTTPStatus

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.connections import queries_hooks
from app.connections.hook_secrets import secrets_at
from app.connections.models import Connection, Hook, HookDelivery
from app.connections.signatures import Event, NotGenuine, genuine
from app.core import clock, secrets
from app.core.database import read_only, unit_of_work
from app.core.events import announce

ABOUT_RUNS = "fine_tuning.job."
# Longer than a sender tries again (72 hours) and a signature lives, together.
KEPT = timedelta(days=7)
REFUSALS_EVERY = timedelta(seconds=10)
NOTHING_KEPT = "It came before its signing secret was kept here."
# Held against what comes to nobody's address, so that it takes as long.
NOBODYS = ["whsec_" + secrets.fingerprint(secrets.new_token())]

# What higher domains make of news about a run of a connection, with the word for it; filled by
# app/reactions.py.
HEARD: list[Callable[[Session, Connection, str], str]] = []


def receive(token: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> HTTPStatus:
    """Take a delivery; the status is all that its sender is told."""
    with read_only() as session:
        hook = queries_hooks.hook_opened_by(session, secrets.fingerprint(token))
        moment = clock.now(session)
    known = NOBODYS if hook is None else secrets_at(hook, moment)
    try:
        event = genuine(headers, body, known, moment)
    except NotGenuine as error:
        if hook is None:
            return HTTPStatus.NOT_FOUND
        # A flood of forgeries costs a look each, and no more.
        if hook.refused_at is None or moment - hook.refused_at > REFUSALS_EVERY:
            with unit_of_work() as session:
                _note_refusal(session, hook, str(error))
        return HTTPStatus.BAD_REQUEST
    if hook is None:
        return HTTPStatus.NOT_FOUND
    with unit_of_work() as session:
        take(session, hook.connection_id, event)
    return HTTPStatus.NO_CONTENT


def take(session: Session, connection_id: int, event: Event) -> None:
    """Keep a delivery, and do what follows from it the first time it comes."""
    # Whoever else brings the same one waits here until it is kept.
    connection = session.get(
        Connection, connection_id, with_for_update=True, populate_existing=True
    )
    if connection is None:
        return
    known = queries_hooks.delivery_of(session, connection_id, event.webhook_id)
    if known is not None:
        known.times += 1
        return
    moment, outcome = clock.now(session), "ignored"
    if event.type.startswith(ABOUT_RUNS) and event.run_id is not None:
        for hear in HEARD:
            outcome = hear(session, connection, event.run_id)
    connection.hooked_at = moment
    session.add(
        HookDelivery(
            connection_id=connection_id,
            webhook_id=event.webhook_id,
            type=event.type,
            run_id=event.run_id,
            outcome=outcome,
            sent_at=event.sent_at,
            received_at=moment,
        )
    )
    announce(session, f"connection:{connection_id}")


def _note_refusal(session: Session, hook: Hook, words: str) -> None:
    """Tell the owner why a delivery was turned down."""
    session.execute(
        update(Hook)
        .where(Hook.id == hook.id)
        .values(
            refused_at=clock.now(session),
            refused_words=words if hook.sealed_secret else NOTHING_KEPT,
        )
        .execution_options(synchronize_session=False)
    )
    announce(session, f"connection:{hook.connection_id}")


def forget_old(session: Session) -> None:
    """Forget the deliveries that nobody can send again, and the secrets that are no longer good."""
    moment = clock.now(session)
    queries_hooks.forget_deliveries(session, before=moment - KEPT)
    session.execute(
        update(Hook)
        .where(Hook.old_until <= moment)
        .values(sealed_old_secret=None, old_until=None)
        .execution_options(synchronize_session=False)
    )
