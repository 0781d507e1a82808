"""Webhook endpoints on OpenAI's wire: `/webhook_endpoints`, as the SDK has it."""

from collections.abc import Callable
from typing import Any

import openai

from app.providers.base import ProviderError
from app.providers.hooks import HookEndpoint, HookSecret
from app.providers.openai.runs import text_of
from app.providers.openai.wire import Json, Wire

EVENT_TYPES: tuple[Any, ...] = (
    "fine_tuning.job.succeeded",
    "fine_tuning.job.failed",
    "fine_tuning.job.cancelled",
)
SAMPLE = EVENT_TYPES[0]
PAGE, MOST_PAGES = 100, 20


class HookEndpoints:
    """The endpoints of the project whose key it is."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def every(self) -> list[HookEndpoint]:
        def fetch(after: str | None) -> Json:
            asked = self.wire.api.webhooks.with_raw_response
            answer = asked.list(after=after or openai.omit, limit=PAGE)
            return self.wire.read_list(answer.http_response)

        listed = [one for page in self.wire.pages(fetch, most=MOST_PAGES) for one in page]
        found = ((text_of(one, "id"), text_of(one, "url")) for one in listed)
        return [HookEndpoint(name, url) for name, url in found if name and url]

    def create(self, name: str, url: str) -> HookSecret:
        return self._secret(
            lambda: self.wire.api.webhooks.with_raw_response.create(
                event_types=list(EVENT_TYPES), name=name, url=url
            )
        )

    def rotate(self, endpoint_id: str) -> HookSecret:
        return self._secret(
            lambda: self.wire.api.webhooks.with_raw_response.rotate_secret(
                endpoint_id, keep_old_secret_active_for_24_hours=True
            )
        )

    def _secret(self, ask: Callable[[], Any]) -> HookSecret:
        with self.wire.errors():
            found = self.wire.read(ask().http_response)
        endpoint_id, secret = text_of(found, "id"), text_of(found, "signing_secret")
        if not endpoint_id or not secret:
            raise ProviderError(f"{self.wire.profile.label} answered without a signing secret.")
        return HookSecret(endpoint_id, secret)

    def test(self, endpoint_id: str) -> int:
        with self.wire.errors():
            asked = self.wire.api.webhooks.with_raw_response
            answer = asked.test(endpoint_id, event_type=SAMPLE)
        status = self.wire.read(answer.http_response).get("status_code")
        if not isinstance(status, int):
            raise ProviderError(f"{self.wire.profile.label} does not say how the test went.")
        return status

    def delete(self, endpoint_id: str) -> None:
        with self.wire.errors():
            self.wire.api.webhooks.with_raw_response.delete(endpoint_id)
