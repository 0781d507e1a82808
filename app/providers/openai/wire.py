"""The SDK's clients as we use them, and its answers read as plain JSON that a database can keep."""

import json
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from http import HTTPStatus
from threading import Lock
from typing import Any, TypeVar

import httpx2
import openai

from app.core.http import HttpOptions, async_client, client
from app.providers.base import KeyRejected, NotPermitted, ProviderError, ProviderUnavailable
from app.providers.openai.errors import plain_errors
from app.providers.profiles import Profile

CONNECT_SECONDS = 5.0
PAID_SECONDS = 60.0
# A list may be long, or its pages slow, but not both.
PAGES_SECONDS, SECONDS_A_PAGE = 60.0, 2.0
# Of a page with whole objects, and of one object alone: what is read is held in memory.
LISTS_LIMIT, LARGEST_OBJECT = 8 * 2**20, 256 * 2**20

Json = dict[str, Any]
Fetch = Callable[[str | None], Json]
Client = TypeVar("Client", openai.OpenAI, openai.AsyncOpenAI)


class Wire:
    """The ways to one service: each client is made when first needed and closed with `close`. Safe
    for several threads at once.
    """

    def __init__(self, base_url: str, api_key: str, profile: Profile, http: HttpOptions) -> None:
        if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
            raise KeyRejected("The key has characters that no key has; copy it again.")
        self.base_url = base_url
        # A server without keys takes any, but the SDK insists on one.
        self.api_key = api_key or "none"
        self.profile = profile
        self.http = http
        self._lock = Lock()
        self._clients: dict[str, openai.OpenAI] = {}

    @property
    def api(self) -> openai.OpenAI:
        """Questions and small answers."""
        return self._kept("api", self.http)

    @property
    def lists(self) -> openai.OpenAI:
        """Pages of whole objects."""
        return self._kept("lists", replace(self.http, response_limit=LISTS_LIMIT))

    @property
    def large(self) -> openai.OpenAI:
        """A page of one object, however large it is, within reason."""
        return self._kept("large", replace(self.http, response_limit=LARGEST_OBJECT))

    @property
    def paid(self) -> openai.OpenAI:
        """For the one request that costs money: a fresh connection, 60 s in all, no second try."""
        return self._kept(
            "paid",
            replace(
                self.http,
                connect_seconds=CONNECT_SECONDS,
                read_seconds=PAID_SECONDS,
                total_seconds=PAID_SECONDS,
                idle_connections=0,
            ),
        )

    @property
    def files(self) -> openai.OpenAI:
        """Large bodies either way, as long as bytes keep moving."""
        return self._kept(
            "files",
            replace(self.http, read_seconds=60.0, total_seconds=None, response_limit=None),
        )

    def talking(self) -> openai.AsyncOpenAI:
        """A client for one streamed answer; the caller closes it."""
        http = async_client(replace(self.http, read_seconds=60.0))
        return forget_environment(
            openai.AsyncOpenAI(
                api_key=self.api_key,
                base_url=self.base_url,
                max_retries=0,
                http_client=http,
                timeout=http.timeout,
            )
        )

    def _kept(self, name: str, options: HttpOptions) -> openai.OpenAI:
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._client(options)
            return self._clients[name]

    def _client(self, options: HttpOptions) -> openai.OpenAI:
        http = client(options)
        return forget_environment(
            openai.OpenAI(
                api_key=self.api_key,
                base_url=self.base_url,
                max_retries=0,
                http_client=http,
                timeout=http.timeout,
            )
        )

    def close(self) -> None:
        with self._lock:
            while self._clients:
                self._clients.popitem()[1].close()

    def errors(self) -> AbstractContextManager[None]:
        """Translate what the SDK raises inside."""
        return plain_errors(self.profile.label, self.api_key)

    @contextmanager
    def errors_of_one_thing(self) -> Iterator[None]:
        """The same where one thing of many is asked for: a 403 with a reason is of that thing, and
        the key may see the others.
        """
        try:
            with self.errors():
                yield
        except KeyRejected as error:
            if error.http_status != HTTPStatus.FORBIDDEN or error.said is None:
                raise
            raise NotPermitted(error.said, http_status=error.http_status) from error

    def read(self, response: httpx2.Response) -> Json:
        """The JSON object of an answer. Raises ProviderError for a page, a list, or broken JSON."""
        found = json_object(response.content)
        if found is None:
            raise self.no_data(response)
        return found

    def no_data(self, response: httpx2.Response) -> ProviderError:
        """The error for an answer that is not JSON: a sign-in page, a proxy's."""
        return ProviderError(
            f"{self.profile.label} answered with something else than data. Is the base URL right?",
            http_status=response.status_code,
        )

    def read_list(self, response: httpx2.Response) -> Json:
        """A page of a list. Raises ProviderError where there is none, which is not an empty one."""
        page = self.read(response)
        if not isinstance(page.get("data"), list):
            raise ProviderError(f"{self.profile.label} answered without a list.")
        return page

    def next_cursor(self, page: Json) -> str | None:
        """Where the next page of a list begins; None at its end."""
        if not page.get("has_more"):
            return None
        last = page["data"][-1].get("id") if objects(page["data"][-1:]) else None
        if not isinstance(last, str) or not last:
            raise ProviderError(
                f"{self.profile.label} promises more of a list and does not give it."
            )
        return last

    def pages(self, fetch: Fetch, *, most: int) -> Iterator[list[Json]]:
        """The items of a list, page by page.

        Raises ProviderError when it does not end within `most` pages, ProviderUnavailable when they
        come so slowly that everybody else's work would wait.
        """
        after: str | None = None
        seen: set[str | None] = {None}
        waited = 0.0
        for number in range(1, most + 1):
            asked_at = time.monotonic()
            with self.errors():
                page = fetch(after)
            waited += time.monotonic() - asked_at
            if waited > max(PAGES_SECONDS, number * SECONDS_A_PAGE):
                raise ProviderUnavailable(f"{self.profile.label} answers too slowly.")
            yield objects(page["data"])
            after = self.next_cursor(page)
            if after is None:
                return
            if after in seen:
                break
            seen.add(after)
        raise ProviderError(f"{self.profile.label} lists the same pages again and again.")


def forget_environment(sdk: Client) -> Client:
    """Undo what the SDK picked up from OPENAI_* variables: only the connection's row counts."""
    sdk.organization = None
    sdk.project = None
    sdk.admin_api_key = None
    sdk.webhook_secret = None
    # OPENAI_CUSTOM_HEADERS has no public switch; a test looks at what arrives.
    sdk._custom_headers = {}  # noqa: SLF001
    return sdk


def objects(value: object) -> list[Json]:
    """The JSON objects in a list, whatever else stands there."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def json_object(content: bytes) -> Json | None:
    """Read a JSON object; None when it is none.

    NaN, infinity and whole numbers that no database keeps become null; NUL and lone surrogates
    U+FFFD.
    """
    try:
        found = json.loads(content, parse_constant=lambda _: None)
        return clean(found) if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return None


LARGEST_INTEGER = 2**63
LONE_SURROGATE_OR_NUL = re.compile("[\0\ud800-\udfff]")


def clean(value: Any) -> Any:
    """The same JSON with only text that every database stores."""
    if isinstance(value, str):
        return LONE_SURROGATE_OR_NUL.sub("\ufffd", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < LARGEST_INTEGER else None
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value
