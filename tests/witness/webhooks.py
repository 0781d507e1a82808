"""Webhooks as OpenAI sends them: endpoints that a project makes, and messages signed the Standard
Webhooks way, which may be lost, come twice, or late.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from tests.witness import dice
from tests.witness.rules import Refusal

Json = dict[str, Any]
ENDS = {
    "succeeded": "fine_tuning.job.succeeded",
    "failed": "fine_tuning.job.failed",
    "cancelled": "fine_tuning.job.cancelled",
}
# OpenAI goes on for 72 hours; of that, as much as a test can wait for.
TRIES_AFTER = (0.0, 0.3, 0.6, 1.2)
SECRET_BYTES = 33  # whose base64 has no padding
PRIVATE = {"secret", "old_secret"}


def signed(secret: str, webhook_id: str, body: bytes, at: float, *, old: str | None = None) -> Json:
    """The headers of one try: HMAC-SHA256 of `id.timestamp.body` by each secret."""
    stamp = str(int(at))
    words = b".".join((webhook_id.encode(), stamp.encode(), body))
    signatures = [
        base64.b64encode(
            hmac.new(base64.b64decode(one.removeprefix("whsec_")), words, hashlib.sha256).digest()
        ).decode()
        for one in (secret, old)
        if one
    ]
    return {
        "content-type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def event(kind: str, run_id: str, at: float, event_id: str) -> bytes:
    """The body of a message: what happened, and to what, and nothing else of it."""
    told = {
        "object": "event",
        "id": event_id,
        "type": kind,
        "created_at": int(at),
        "data": {"id": run_id},
    }
    return json.dumps(told).encode()


class Webhooks:
    """A project's endpoints, and what was sent to them: `deliveries`, each with the answers it got.

    `plan` says what becomes of the next messages, one each: "sent", "lost", "twice", or seconds by
    which it is late; whatever is left of them is sent.
    """

    def __init__(self, project_id: str) -> None:
        self.project_id = project_id
        self.endpoints: list[Json] = []
        self.deliveries: list[Json] = []
        self.plan: list[str | float] = []
        self.count = 0

    def new_id(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{dice.quick(self.project_id, self.count)}"

    def endpoint(self, endpoint_id: str) -> Json:
        found = next((one for one in self.endpoints if one["id"] == endpoint_id), None)
        if found is None:
            message = f"No webhook endpoint found with ID '{endpoint_id}'."
            raise Refusal(404, message, param="webhook_endpoint_id")
        return found

    def create(self, asked: Json) -> Json:
        for name in ("name", "url", "event_types"):
            if not asked.get(name):
                raise Refusal(400, f"Missing required parameter: '{name}'.", param=name)
        check_url(asked["url"])
        moment = int(time.time())
        made = {
            "object": "webhook_endpoint",
            "id": self.new_id("we_"),
            "created_at": moment,
            "updated_at": moment,
            **{name: asked[name] for name in ("name", "url", "event_types")},
            "secret": self.new_secret(),
            "old_secret": None,
        }
        self.endpoints.insert(0, made)
        return shown(made, has_secret=True)

    def update(self, endpoint_id: str, asked: Json) -> Json:
        found = self.endpoint(endpoint_id)
        if "url" in asked:
            check_url(asked["url"])
        changed = {name: asked[name] for name in ("name", "url", "event_types") if name in asked}
        found.update(changed, updated_at=int(time.time()))
        return shown(found)

    def rotate(self, endpoint_id: str, *, keeps_old: bool) -> Json:
        found = self.endpoint(endpoint_id)
        old = found["secret"] if keeps_old else None
        found.update(secret=self.new_secret(), old_secret=old, updated_at=int(time.time()))
        return shown(found, has_secret=True)

    def delete(self, endpoint_id: str) -> Json:
        self.endpoints.remove(self.endpoint(endpoint_id))
        return {"id": endpoint_id, "object": "webhook_endpoint.deleted", "deleted": True}

    def new_secret(self) -> str:
        self.count += 1
        made = dice.of("secret", self.project_id, self.count).randbytes(SECRET_BYTES)
        return f"whsec_{base64.b64encode(made).decode()}"

    def tell(self, run: Json) -> None:
        """Tell everybody who asked for it how a run ended."""
        kind = ENDS[run["status"]]
        for endpoint in self.endpoints:
            if kind in endpoint["event_types"]:
                self.send(endpoint, kind, run["id"])

    def send(self, endpoint: Json, kind: str, run_id: str) -> None:
        """Send one message, by the plan, and again until it is taken."""
        how = self.plan.pop(0) if self.plan else "sent"
        webhook_id, moment = self.new_id("wh_"), time.time()
        body = event(kind, run_id, moment, self.new_id("evt_"))
        told = {
            "id": webhook_id,
            "type": kind,
            "run_id": run_id,
            "url": endpoint["url"],
            "how": how,
            "answers": [],
            "is_over": how == "lost",
        }
        self.deliveries.append(told)
        late = 0.0 if isinstance(how, str) else how
        for _ in range({"lost": 0, "twice": 2}.get(str(how), 1)):
            threading.Thread(
                target=_deliver, args=(dict(endpoint), told, body, late), daemon=True
            ).start()


def _deliver(endpoint: Json, told: Json, body: bytes, late: float) -> None:
    time.sleep(late)
    for wait in TRIES_AFTER:
        time.sleep(wait)
        status = post(endpoint, told["id"], body)
        told["answers"].append(status)
        if status is not None and 200 <= status < 300:
            break
    told["is_over"] = True


def post(endpoint: Json, webhook_id: str, body: bytes) -> int | None:
    """The status of the answer; None where there is none."""
    headers = signed(
        endpoint["secret"], webhook_id, body, time.time(), old=endpoint.get("old_secret")
    )
    url = endpoint["url"]  # checked when it was given
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def check_url(url: str) -> None:
    """https, as the reference asks; this machine may do without, which no test can help."""
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise Refusal(400, "Webhook URLs must use HTTPS.", param="url")


def shown(endpoint: Json, *, has_secret: bool = False) -> Json:
    """An endpoint as the API shows it: its secret when it is new, and never again."""
    told = {name: value for name, value in endpoint.items() if name not in PRIVATE}
    told["signing_secret_hint"] = f"whsec_...{endpoint['secret'][-4:]}"
    return {**told, "signing_secret": endpoint["secret"]} if has_secret else told
