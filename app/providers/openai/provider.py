"""OpenAI's wire as a Provider: OpenAI itself, Azure's v1 route, other services, and our trainer."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from itertools import chain, islice
from typing import Any, Self

import httpx2
import openai
import structlog

from app.core.http import HttpOptions
from app.providers.base import (
    OP_KEY_TAG,
    AccountInfo,
    Archive,
    ArchivePage,
    BaseModelInfo,
    Capabilities,
    ChatAnswer,
    ChatDelta,
    ChatRequest,
    CheckpointInfo,
    FilePart,
    FileRef,
    HookEndpoint,
    HookSecret,
    NotPermitted,
    Page,
    Permission,
    ProviderError,
    ProviderUnavailable,
    RequestRejected,
    RunEvent,
    RunReport,
    RunRequest,
    RunSearch,
    StartOutcome,
    UploadState,
)
from app.providers.moderation import Judgement
from app.providers.openai import chat, files, moderation, runs, start, tags
from app.providers.openai.archive import History
from app.providers.openai.errors import words
from app.providers.openai.found import CLOCKS_DIFFER, Found, Wanted
from app.providers.openai.hooks import HookEndpoints
from app.providers.openai.wire import Json, Wire, objects
from app.providers.profiles import profile_by_headers, profile_for, profiles

log = structlog.get_logger(__name__)

MOST_MODELS = 2_000
FEW_RUNS = 5
# Of the log behind the last known event: enough for a quarter of a million steps, and a worker
# has room for it.
MOST_EVENT_PAGES, MOST_EVENT_BYTES = 10_000, 64 * 2**20
MOST_FILTERED_PAGES = 10
MOST_SCANNED_PAGES = 100


class OpenAIProvider:
    """One service under one key. Safe for several threads at once where its gate is."""

    kind = "openai"

    def __init__(self, base_url: str, api_key: str, profile: str, http: HttpOptions) -> None:
        self.wire = Wire(base_url, api_key, profiles()[profile], http)
        self.history = History(self.wire)
        self.hooks = HookEndpoints(self.wire)

    def close(self) -> None:
        self.wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def capabilities(self) -> Capabilities:
        return self.wire.profile.capabilities

    def listed_models(self) -> list[BaseModelInfo]:
        """Every model of the list, by name. Of a list without end those that can be tuned come
        first.
        """
        with self.wire.errors():
            answer = self.wire.api.models.with_raw_response.list()
        listed = objects(self.wire.read_list(answer.http_response)["data"])
        by_name = {
            name: self._listed(data, name) for data in listed if (name := runs.name_of(data, "id"))
        }
        first = sorted(by_name.values(), key=lambda one: (not one.methods, one.name))
        return sorted(first[:MOST_MODELS], key=lambda one: one.name)

    def base_models(self) -> list[BaseModelInfo]:
        return [one for one in self.listed_models() if one.methods]

    def _listed(self, data: Json, name: str) -> BaseModelInfo:
        rule = self.wire.profile.rule_for(name)
        return BaseModelInfo(
            name=name,
            shutdown_date=date_of(data, "shutdown_date"),
            methods=rule.methods if rule else (),
            context_tokens=rule.context_tokens if rule else None,
            row_token_cap=rule.row_token_cap if rule else None,
            owner=runs.text_of(data, "owned_by"),
        )

    def check_key(self) -> AccountInfo:
        """Raises KeyRejected where every question would be refused; what single ones are refused is
        told by permission.
        """
        names: tuple[str, ...] = ()
        listing = Permission("models", is_allowed=True)
        try:
            with self.wire.errors():
                answer = self.wire.api.models.with_raw_response.list()
            headers = answer.headers
            listed = objects(self.wire.read_list(answer.http_response)["data"])
            found = (runs.name_of(data, "id") for data in islice(listed, MOST_MODELS))
            names = tuple(words(name, "") for name in found if name)
        except NotPermitted as error:
            headers = httpx2.Headers()
            listing = Permission("models", is_allowed=False, words=error.message)
        found_runs: list[Json] = []
        recognised = profile_by_headers(headers, otherwise=profile_for(self.wire.base_url))
        return AccountInfo(
            organization=said_in(headers, "openai-organization"),
            project=said_in(headers, "openai-project"),
            models=names,
            permissions=(
                listing,
                self._permission("files", self._first_file),
                self._permission("fine-tuning", lambda: found_runs.extend(self._first_runs())),
            ),
            shows_tags=any("metadata" in run for run in found_runs) if found_runs else None,
            profile=recognised,
            is_trainer=profiles()[recognised].capabilities.is_ours,
        )

    def _permission(self, name: str, ask: Callable[[], object]) -> Permission:
        try:
            ask()
        except ProviderUnavailable:
            raise
        except ProviderError as error:
            return Permission(name, is_allowed=False, words=error.message)
        return Permission(name, is_allowed=True)

    def _first_file(self) -> Json:
        with self.wire.errors():
            answer = self.wire.api.files.with_raw_response.list(purpose=files.PURPOSE, limit=1)
        return self.wire.read_list(answer.http_response)

    def _first_runs(self) -> list[Json]:
        return objects(self._run_page(None, limit=FEW_RUNS)["data"])

    def find_file(self, name: str, size: int) -> FileRef | None:
        return files.find(self.wire, name, size)

    def upload(self, part: FilePart) -> UploadState:
        return files.upload(self.wire, part)

    def download(self, file_id: str) -> Iterator[bytes]:
        return files.download(self.wire, file_id)

    def start_run(self, request: RunRequest) -> StartOutcome:
        return start.start(self.wire, request)

    def find_runs(self, tag: str, *, since: datetime) -> RunSearch:
        """The runs of one start. Where the list can be filtered that is asked for first; nothing
        is believed absent that a look through the list has not missed too.
        """
        wanted = partial(tags.is_of, op_key=tag, profile=self.wire.profile)
        if self.capabilities().tagging == "metadata_list":
            found = self._filtered(tag, wanted)
            if found.runs:
                return found
        return self._scanned(wanted, since)

    def find_ours(self, instance: str, *, since: datetime) -> RunSearch:
        """Every run that carries an instance's tag: by looking, since a filter may hide some. Where
        the tag may not come back, those too whose suffix ends as one of ours does.
        """
        wanted = partial(tags.is_ours, instance=instance, profile=self.wire.profile)
        return self._scanned(wanted, since)

    def _filtered(self, tag: str, wanted: Wanted) -> RunSearch:
        """Ask for the tag and believe only what carries it: some servers ignore the filter."""
        fetch = partial(self._run_page, metadata={OP_KEY_TAG: tag})
        found = Found(wanted)
        try:
            for page in self.wire.pages(fetch, most=MOST_FILTERED_PAGES):
                found.add(page)
        except RequestRejected:
            return RunSearch((), 0)
        return found.search()

    def _scanned(self, wanted: Wanted, since: datetime) -> RunSearch:
        """Look through everything not older than `since`; clocks may differ. What was found before
        a list went wrong is found: that none was takes a whole one.
        """
        found = Found(wanted, since - CLOCKS_DIFFER)
        try:
            for page in self.wire.pages(self._run_page, most=MOST_SCANNED_PAGES):
                found.add(page)
                if found.has_all():
                    break
        except ProviderError:
            if not found.wanted:
                raise
        return found.search()

    def report(self, run_id: str) -> RunReport:
        with self.wire.errors():
            answer = self.wire.api.fine_tuning.jobs.with_raw_response.retrieve(run_id)
        return self._read_run(answer)

    def _read_run(self, answer: Any) -> RunReport:
        found = runs.report(self.wire.read(answer.http_response))
        if found is None:
            raise ProviderError(f"{self.wire.profile.label} answered without a job id.")
        return found

    def list_runs(self, *, cursor: str | None = None) -> Page[RunReport]:
        page = self._run_page(cursor)
        found = (runs.report(data) for data in objects(page["data"]))
        return Page(tuple(run for run in found if run is not None), self.wire.next_cursor(page))

    def _run_page(
        self, after: str | None, limit: int | None = None, metadata: dict[str, str] | None = None
    ) -> Json:
        with self.wire.errors():
            answer = self.wire.api.fine_tuning.jobs.with_raw_response.list(
                after=after or openai.omit,
                limit=limit or self.capabilities().page_size,
                metadata=metadata or openai.omit,
            )
        return self.wire.read_list(answer.http_response)

    def events(self, run_id: str, *, known_id: str | None = None) -> Iterator[RunEvent]:
        left = MOST_EVENT_BYTES

        def fetch(after: str | None) -> Json:
            nonlocal left
            answer = self.wire.api.fine_tuning.jobs.with_raw_response.list_events(
                run_id, after=after or openai.omit, limit=self.capabilities().page_size
            )
            left -= len(answer.http_response.content)
            return self.wire.read_list(answer.http_response)

        for page in self.wire.pages(fetch, most=MOST_EVENT_PAGES):
            if left < 0:
                log.warning("provider.log_cut", run=run_id)
                return
            for data in page:
                event = runs.event(data)
                if event is not None and event.event_id == known_id:
                    return
                if event is not None:
                    yield event

    def checkpoints(self, run_id: str) -> list[CheckpointInfo]:
        def fetch(after: str | None) -> Json:
            answer = self.wire.api.fine_tuning.jobs.checkpoints.with_raw_response.list(
                run_id, after=after or openai.omit, limit=self.capabilities().page_size
            )
            return self.wire.read_list(answer.http_response)

        pages = self.wire.pages(fetch, most=MOST_SCANNED_PAGES)
        found = (runs.checkpoint(data) for data in chain.from_iterable(pages))
        return [checkpoint for checkpoint in found if checkpoint is not None]

    def cancel(self, run_id: str) -> RunReport:
        """Ask for the end. A run that has ended by itself is no error: its report says how."""
        try:
            with self.wire.errors():
                answer = self.wire.api.fine_tuning.jobs.with_raw_response.cancel(run_id)
        except RequestRejected:
            found = self.report(run_id)
            if not found.status.has_ended:
                raise
            return found
        return self._read_run(answer)

    def archived(
        self,
        archive: Archive,
        parents: Sequence[str] = (),
        *,
        cursor: str | None = None,
        since: datetime | None = None,
    ) -> ArchivePage:
        return self.history.page(archive, parents, cursor, since)

    def hook_endpoints(self) -> list[HookEndpoint]:
        return self.hooks.every()

    def create_hook(self, name: str, url: str) -> HookSecret:
        return self.hooks.create(name, url)

    def rotate_hook(self, endpoint_id: str) -> HookSecret:
        return self.hooks.rotate(endpoint_id)

    def test_hook(self, endpoint_id: str) -> int:
        return self.hooks.test(endpoint_id)

    def delete_hook(self, endpoint_id: str) -> None:
        self.hooks.delete(endpoint_id)

    def moderate(self, texts: Sequence[str]) -> list[Judgement | None]:
        return moderation.moderate(self.wire, texts)

    def answer(self, request: ChatRequest) -> ChatAnswer:
        return chat.answer(self.wire, request)

    def stream(self, request: ChatRequest) -> AsyncIterator[ChatDelta]:
        return chat.stream(self.wire, request)


def said_in(headers: Mapping[str, str], name: str) -> str | None:
    """A header's text as a page may show it."""
    return words(headers[name], "")[: runs.LONGEST_NAME] if headers.get(name) else None


def date_of(data: Json, key: str) -> date | None:
    """A date written YYYY-MM-DD; anything else is unknown."""
    try:
        return date.fromisoformat(runs.text_of(data, key) or "")
    except ValueError:
        return None
