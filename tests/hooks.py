"""What providers send to webhooks: signed deliveries, and connections that take them."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

from app.connections import hook_setup, queries_hooks
from app.connections.hook_secrets import path_of
from app.connections.models import Connection, Hook, HookDelivery
from app.core.database import read_only, unit_of_work

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
SUCCEEDED, FAILED, CANCELLED = (
    f"fine_tuning.job.{word}" for word in ("succeeded", "failed", "cancelled")
)
_numbers = count(1)


@dataclass(frozen=True)
class Signed:
    """One delivery as it is sent, again and again the same."""

    headers: dict[str, str]
    body: bytes


def event(run_id: Any, kind: str = SUCCEEDED) -> bytes:
    """The body of an event, as OpenAI writes it."""
    words = {"object": "event", "id": "evt_1", "type": kind, "created_at": 1}
    return json.dumps({**words, "data": {"id": run_id}}).encode()


def signed(
    body: bytes,
    *,
    secret: str = SECRET,
    webhook_id: str | None = None,
    at: float | str | None = None,
) -> Signed:
    """A body signed as the specification says; `at` in Unix seconds, or as the header has it."""
    webhook_id = webhook_id or f"wh_{next(_numbers)}"
    stamp = at if isinstance(at, str) else str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = b".".join((webhook_id.encode(), stamp.encode(), body))
    told = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return Signed(
        {
            "content-type": "application/json",
            "webhook-id": webhook_id,
            "webhook-timestamp": stamp,
            "webhook-signature": f"v1,{told}",
        },
        body,
    )


def give_hook(connection_id: int, secret: str | None = SECRET) -> str:
    """Give a connection a webhook; the path of its address."""
    with unit_of_work() as session:
        connection = session.get_one(Connection, connection_id)
        actor_id = connection.created_by or 1
        connection.base_url, before = "http://127.0.0.1:1/v1", connection.base_url
        hook = hook_setup.begin(session, connection, actor_id=actor_id)
        connection.base_url = before
        if secret is not None:
            hook_setup.keep_by_hand(session, connection, secret, actor_id=actor_id)
        path = path_of(hook)
        assert path is not None
        return path


def deliver(client: Any, path: str, one: Signed) -> int:
    """Post it as a provider does; the status of the answer."""
    return int(client.post(path, content=one.body, headers=one.headers).status_code)


def hook_of(connection_id: int) -> Hook:
    """A connection's webhook as it is now."""
    with read_only() as session:
        found = queries_hooks.hook_of(session, connection_id)
        assert found is not None
        return found


def deliveries(connection_id: int) -> list[HookDelivery]:
    """What was kept of deliveries, the latest first."""
    with read_only() as session:
        return list(queries_hooks.deliveries_of(session, connection_id, limit=1_000))
