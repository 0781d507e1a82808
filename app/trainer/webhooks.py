"""Webhooks in the Standard Webhooks form: who is told of what."""

from typing import Any

import msgspec

from app.core.signing import GRACE_SECONDS, new_secret
from app.trainer.errors import Refusal
from app.trainer.files import random_name
from app.trainer.parameters import one_of, refuse_unknown
from app.trainer.requests import Body, invalid_type, text

EVENT_TYPES = ("fine_tuning.job.succeeded", "fine_tuning.job.failed", "fine_tuning.job.cancelled")
NAME_LIMIT = 256
_HINT_LETTERS = 4


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver. `old_secret` signs beside the new one until `old_until`, in Unix seconds."""

    id: str
    name: str
    url: str
    event_types: tuple[str, ...]
    created_at: int
    updated_at: int
    secret: str
    old_secret: str | None = None
    old_until: float = 0

    def secrets_at(self, now: float) -> list[str]:
        """The secrets a receiver may know at this moment, newest first."""
        old = self.old_secret if now < self.old_until else None
        return [self.secret] if old is None else [self.secret, old]

    def shown(self, *, has_secret: bool = False) -> dict[str, Any]:
        """A `webhook_endpoint`; its secret is told at creation and rotation alone."""
        told = {"signing_secret": self.secret} if has_secret else {}
        return {
            "object": "webhook_endpoint",
            "id": self.id,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "name": self.name,
            "url": self.url,
            "event_types": list(self.event_types),
            "signing_secret_hint": f"whsec_...{self.secret[-_HINT_LETTERS:]}",
            **told,
        }


def new_endpoint(body: Body, now: float) -> Endpoint:
    """The endpoint asked for; its address is checked elsewhere. Raises Refusal."""
    asked = asked_changes(body)
    for name in ("event_types", "name", "url"):
        if name not in asked:
            message = f"Missing required parameter: '{name}'."
            raise Refusal(message, param=name, code="missing_required_parameter")
    if not asked["event_types"]:
        message = "Invalid 'event_types': empty array. Name at least one event type."
        raise Refusal(message, param="event_types", code="empty_array")
    at = int(now)
    return Endpoint(
        id=f"we_{random_name(24)}", created_at=at, updated_at=at, secret=new_secret(), **asked
    )


def asked_changes(body: Body) -> dict[str, Any]:
    """What an update wants changed, checked. Raises Refusal."""
    refuse_unknown(body, {"event_types", "name", "url"})
    name, url, types = text(body, "name"), text(body, "url"), body.get("event_types")
    if name is not None and not 1 <= len(name) <= NAME_LIMIT:
        raise Refusal(f"'name' must have 1 to {NAME_LIMIT} characters.", param="name")
    asked = {
        "name": name,
        "url": url,
        "event_types": None if types is None else _event_types(types),
    }
    return {field: value for field, value in asked.items() if value is not None}


def _event_types(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise invalid_type("event_types", "an array of strings", value)
    for place, kind in enumerate(value):
        one_of(kind, EVENT_TYPES, f"event_types[{place}]")
    return tuple(dict.fromkeys(value))


def changed(endpoint: Endpoint, now: float, **changes: Any) -> Endpoint:
    """The endpoint with these changes; one that changes nothing leaves `updated_at` alone."""
    new = msgspec.structs.replace(endpoint, **changes)
    return endpoint if new == endpoint else msgspec.structs.replace(new, updated_at=int(now))


def rotated(endpoint: Endpoint, now: float, *, keeps_old: bool) -> Endpoint:
    """The endpoint with a new secret; the old one is good for another day, or no longer."""
    return changed(
        endpoint,
        now,
        secret=new_secret(),
        old_secret=endpoint.secret if keeps_old else None,
        old_until=now + GRACE_SECONDS if keeps_old else 0,
    )


def message(kind: str, run_id: str, at: int) -> bytes:
    """The body of an event, as it is signed and sent."""
    return msgspec.json.encode(
        {
            "object": "event",
            "id": f"evt_{random_name(24)}",
            "type": kind,
            "created_at": at,
            "data": {"id": run_id},
        }
    )
