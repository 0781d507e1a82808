"""What pages and the API show of a connection's webhook: never a secret, only its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.connections import hook_setup, queries_hooks
from app.connections.hook_secrets import opens, url_of
from app.connections.models import Connection, Hook, HookDelivery
from app.connections.service import service_of
from app.core import clock
from app.core.views import FormState
from app.providers.profiles import profiles

SHOWN = 25
OUTCOMES = {
    "looked": "The next look at the runs came at once.",
    "searched": "An order waited for its run; Luthier looks for it.",
    "known": "Its job had ended already.",
    "unknown": "No job here has this run. Nothing to do.",
    "ignored": "Not about a run. Nothing to do.",
}
UNSET = {
    "none": (
        "Luthier looks at the runs by itself, every few minutes. With a webhook {label} says when "
        "one has ended, and Luthier looks at once."
    ),
    "waiting": "Nothing that arrives is believed until the signing secret is here.",
    "unreadable": (
        "It was sealed with another secret of this instance and cannot be opened. Set it up again."
    ),
}


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One that came in: `done` says what followed."""

    type: str
    run_id: str | None
    done: str
    times: int
    at: datetime


@dataclass(frozen=True, slots=True)
class HookStanding:
    """How it stands: `status` is none, waiting (for its secret), unreadable (the instance's secret
    is another one) or ready; `lead` says it in a sentence.
    """

    status: str
    lead: str
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class HookPart:
    """The webhook in a section of its connection's page."""

    connection_id: int
    label: str
    standing: HookStanding
    can_manage: bool
    can_set_up: bool
    why_not: str | None
    topic: str
    refresh_url: str


@dataclass(frozen=True, slots=True)
class HookPage:
    """Everything about a webhook. `form` has the field secret; `refused` is what was just turned
    down. `settings_page` is where it is made at the provider by hand; `is_ours` says that Luthier
    made the endpoint; `is_unfinished` that a new secret was asked for and the answer is not kept;
    `moved_from` the address it was made for, where this instance has another now.
    """

    project_id: int
    connection_id: int
    connection: str
    label: str
    standing: HookStanding
    can_set_up: bool
    why_not: str | None
    settings_page: str | None
    url: str | None
    is_ours: bool
    endpoint_id: str | None
    secret_hint: str | None
    secret_set_at: datetime | None
    old_until: datetime | None
    is_unfinished: bool
    moved_from: str | None
    refused_at: datetime | None
    refused_words: str | None
    deliveries: tuple[DeliveryLine, ...]
    form: FormState
    refused: str | None
    topic: str


def part(
    session: Session, connection: Connection, *, can_manage: bool, refresh_url: str
) -> HookPart:
    """The section of the connection's page."""
    return HookPart(
        connection_id=connection.id,
        label=service_of(connection),
        standing=_standing(connection, queries_hooks.hook_of(session, connection.id)),
        can_manage=can_manage,
        can_set_up=hook_setup.can_set_up(connection),
        why_not=hook_setup.why_unreachable(connection),
        topic=f"connection:{connection.id}",
        refresh_url=refresh_url,
    )


def whole(
    session: Session,
    connection: Connection,
    *,
    form: FormState | None = None,
    refused: str | None = None,
) -> HookPage:
    """The page of its own."""
    hook, moment = queries_hooks.hook_of(session, connection.id), clock.now(session)
    arrived = queries_hooks.deliveries_of(session, connection.id, limit=SHOWN)
    is_refused = hook is not None and (hook.refused_at or moment) < moment
    return HookPage(
        project_id=connection.project_id,
        connection_id=connection.id,
        connection=connection.name,
        label=service_of(connection),
        standing=_standing(connection, hook),
        can_set_up=hook_setup.can_set_up(connection),
        why_not=hook_setup.why_unreachable(connection),
        settings_page=profiles()[connection.profile].hooks_page,
        url=url_of(hook) if hook else None,
        is_ours=hook is not None and hook.endpoint_id is not None,
        endpoint_id=hook.endpoint_id if hook else None,
        secret_hint=hook.secret_hint if hook else None,
        secret_set_at=hook.secret_set_at if hook else None,
        old_until=old_until(hook, moment),
        is_unfinished=_is_unfinished(hook, moment),
        moved_from=_moved_from(connection, hook),
        refused_at=hook.refused_at if hook and is_refused else None,
        refused_words=hook.refused_words if hook and is_refused else None,
        deliveries=_lines(arrived),
        form=form or FormState(),
        refused=refused,
        topic=f"connection:{connection.id}",
    )


def _standing(connection: Connection, hook: Hook | None) -> HookStanding:
    label, heard_at = service_of(connection), connection.hooked_at
    status = status_of(hook)
    if status == "ready":
        words = f"{label} tells Luthier when a run has ended, and Luthier looks at once."
        if heard_at is None:
            words += " Nothing has arrived yet."
    else:
        words = UNSET[status].format(label=label)
    return HookStanding(status, words, heard_at if status == "ready" else None)


def status_of(hook: Hook | None) -> str:
    """How a webhook stands, in one word: see `HookStanding`."""
    if hook is None:
        return "none"
    if not opens(hook):
        return "unreadable"
    return "waiting" if hook.sealed_secret is None else "ready"


def old_until(hook: Hook | None, moment: datetime) -> datetime | None:
    """Until when the secret before the last rotation is good; None when it no longer is."""
    until = hook.old_until if hook else None
    return until if until is not None and until > moment else None


def _is_unfinished(hook: Hook | None, moment: datetime) -> bool:
    asked_at = hook.asked_at if hook else None
    return asked_at is not None and moment - asked_at >= hook_setup.ASKING


def _moved_from(connection: Connection, hook: Hook | None) -> str | None:
    if hook is None or hook.address == hook_setup.address_for(connection):
        return None
    return hook.address


def _lines(arrived: Sequence[HookDelivery]) -> tuple[DeliveryLine, ...]:
    return tuple(
        DeliveryLine(one.type, one.run_id, OUTCOMES[one.outcome], one.times, one.received_at)
        for one in arrived
    )
