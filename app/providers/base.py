"""The Provider protocol, its errors, and every value that goes in or out: import from here."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Protocol, Self

from app.providers.archive import Archive, Archived, ArchivePage, Archives
from app.providers.capabilities import Capabilities, Method, Parameter, ParameterValue
from app.providers.hooks import HookEndpoint, Hooks, HookSecret
from app.providers.values import (
    INSTANCE_TAG,
    OP_KEY_TAG,
    AccountInfo,
    BaseModelInfo,
    CallPiece,
    Chance,
    ChatAnswer,
    ChatDelta,
    ChatRequest,
    CheckpointInfo,
    FilePart,
    FileRef,
    NotSent,
    Page,
    Permission,
    Refused,
    RunError,
    RunEvent,
    RunReport,
    RunRequest,
    RunSearch,
    RunStatus,
    Started,
    StartOutcome,
    Unknown,
    UploadState,
)

__all__ = [
    "INSTANCE_TAG",
    "OP_KEY_TAG",
    "AccountInfo",
    "AllowanceSpent",
    "Archive",
    "ArchivePage",
    "Archived",
    "Archives",
    "BaseModelInfo",
    "CallPiece",
    "Capabilities",
    "Chance",
    "ChatAnswer",
    "ChatDelta",
    "ChatRequest",
    "CheckpointInfo",
    "FilePart",
    "FileRef",
    "HookEndpoint",
    "HookSecret",
    "Hooks",
    "KeyRejected",
    "Method",
    "NotFound",
    "NotPermitted",
    "NotReached",
    "NotSent",
    "Page",
    "Parameter",
    "ParameterValue",
    "Permission",
    "Provider",
    "ProviderError",
    "ProviderUnavailable",
    "Refused",
    "RequestRejected",
    "RunError",
    "RunEvent",
    "RunReport",
    "RunRequest",
    "RunSearch",
    "RunStatus",
    "StartOutcome",
    "Started",
    "TooLarge",
    "Unknown",
    "UploadState",
]


class ProviderError(Exception):
    """The provider answered in a way we cannot use.

    Its text is safe to show: short, one line, without the key.
    """

    def __init__(self, message: str, *, http_status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.http_status = http_status


class KeyRejected(ProviderError):
    """401 or 403: the key is wrong or revoked, whatever is asked with it. `said` are the provider's
    own words, where it had any.
    """

    def __init__(
        self, message: str, *, said: str | None = None, http_status: int | None = None
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.said = said


class RequestRejected(ProviderError):
    """The provider understood and refused; asking the same again is useless."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.code = code
        self.param = param


class NotPermitted(RequestRejected):
    """The key is accepted and may not do this one thing: another model or call may work."""


class NotFound(RequestRejected):
    """404 or 410: the provider does not know what we asked for (any more)."""


class ProviderUnavailable(ProviderError):
    """No answer, 429, or a fault on their side; `retry_after` in seconds where they said so."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, http_status: int | None = None
    ) -> None:
        super().__init__(message, http_status=http_status)
        self.retry_after = retry_after


class AllowanceSpent(ProviderUnavailable):
    """We would ask oftener than the provider allows: nothing left this machine."""


class NotReached(ProviderUnavailable):
    """No connection came about: nothing was asked."""


class TooLarge(ProviderUnavailable):
    """The answer is larger than we take: a smaller page may fit."""


class Provider(Protocol):
    """A place that tunes and serves models.

    Every method may raise the errors above; `start_run` returns them as data.
    Nothing here waits or tries twice: when to ask again is the timetable's business. Close it
    after use.
    """

    def capabilities(self) -> Capabilities: ...
    def listed_models(self) -> list[BaseModelInfo]: ...
    def base_models(self) -> list[BaseModelInfo]: ...
    def check_key(self) -> AccountInfo: ...
    def find_file(self, name: str, size: int) -> FileRef | None: ...
    def upload(self, part: FilePart) -> UploadState: ...
    def download(self, file_id: str) -> Iterator[bytes]: ...
    def start_run(self, request: RunRequest) -> StartOutcome: ...
    def find_runs(self, tag: str, *, since: datetime) -> RunSearch: ...
    def find_ours(self, instance: str, *, since: datetime) -> RunSearch: ...
    def report(self, run_id: str) -> RunReport: ...
    def list_runs(self, *, cursor: str | None = None) -> Page[RunReport]: ...
    def events(self, run_id: str, *, known_id: str | None = None) -> Iterator[RunEvent]: ...
    def checkpoints(self, run_id: str) -> list[CheckpointInfo]: ...
    def cancel(self, run_id: str) -> RunReport: ...
    def answer(self, request: ChatRequest) -> ChatAnswer: ...
    def stream(self, request: ChatRequest) -> AsyncIterator[ChatDelta]: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
