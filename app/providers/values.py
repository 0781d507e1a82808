"""The values that go in and out of a provider: frozen, in our words, UTC, bytes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

from app.providers.capabilities import ParameterValue

T = TypeVar("T")

OP_KEY_TAG = "luthier_op"
INSTANCE_TAG = "luthier_instance"
# The beginning of an order's key, at the end of a suffix.
MARK_LETTERS = 8
MARK = re.compile(r"(?:^|-)([0-9a-f]{8})$", re.ASCII)
TOO_MANY_REQUESTS = 429


class RunStatus(StrEnum):
    """What a run does at the provider.

    UNKNOWN is a text we do not know yet: shown as written, polled on.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def has_ended(self) -> bool:
        return self in {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED}


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `cursor` asks for the next, None at the end."""

    items: tuple[T, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether the key may do one thing, with the provider's words where it may not."""

    name: str
    is_allowed: bool
    words: str | None = None


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """Whose key it is and what it may do.

    `profile` is what the answering server makes itself known as. `shows_tags` says whether its list
    tells of the tags of runs; None where it shows no run.
    """

    organization: str | None
    project: str | None
    models: tuple[str, ...]
    permissions: tuple[Permission, ...]
    profile: str
    is_trainer: bool
    shows_tags: bool | None = None


@dataclass(frozen=True, slots=True)
class BaseModelInfo:
    """A model listed here, which can be tuned by `methods`, if by any; None is "unknown", never
    zero.
    """

    name: str
    shutdown_date: date | None
    methods: tuple[str, ...]
    context_tokens: int | None
    row_token_cap: int | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file at the provider; a job must wait until `is_ready`."""

    file_id: str
    name: str
    size: int
    is_ready: bool


@dataclass(frozen=True, slots=True)
class UploadState:
    """How far an upload is: hand it back with the next part until `file` is there."""

    file: FileRef | None
    sent: int
    upload_id: str | None = None
    part_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FilePart:
    """The file at `path` to upload as `name`; `progress` hears how many bytes are read so far."""

    path: Path
    name: str
    size: int
    state: UploadState | None = None
    progress: Callable[[int], None] | None = None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A paid start.

    `op_key` names this start and `instance` this Luthier, so that a lost answer can be found
    again.
    """

    base_model: str
    training_file_id: str
    method: str
    op_key: str
    instance: str
    validation_file_id: str | None = None
    hyperparameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    suffix: str | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class RunError:
    """Why a run failed, in the provider's words."""

    message: str
    code: str | None
    param: str | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run as the provider tells it; `hyperparameters` are the numbers it settled on."""

    run_id: str
    status: RunStatus
    provider_status: str
    base_model: str
    model_name: str | None
    created_at: datetime | None
    finished_at: datetime | None
    estimated_finish_at: datetime | None
    trained_tokens: int | None
    method: str | None
    hyperparameters: Mapping[str, ParameterValue]
    seed: int | None
    suffix: str | None
    training_file_id: str | None
    validation_file_id: str | None
    result_file_ids: tuple[str, ...]
    metadata: Mapping[str, str]
    error: RunError | None

    def age(self) -> tuple[bool, datetime | None, str]:
        """What sorts runs oldest first, those without a date last."""
        return self.created_at is None, self.created_at, self.run_id

    @property
    def op_key(self) -> str | None:
        """The start this run belongs to, where the provider gives our tag back."""
        return self.metadata.get(OP_KEY_TAG)

    @property
    def mark(self) -> str | None:
        """What may be the beginning of such a start's key: the end of the suffix, or, since some
        show that only as part of it, of the tuned model's name.
        """
        found = MARK.search(self.suffix or self.model_name or "")
        return found[1] if found else None

    @property
    def instance(self) -> str | None:
        """The Luthier that started it."""
        return self.metadata.get(INSTANCE_TAG)


@dataclass(frozen=True, slots=True)
class RunSearch:
    """What a search found: the runs that carry a tag, oldest first, and how many were `listed`.
    `untagged` are those made since the order that carry nobody's: whose they are the list cannot
    tell.
    """

    runs: tuple[RunReport, ...]
    listed: int
    untagged: tuple[RunReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """The provider took the job: an id that parses is adopted, whatever happened meanwhile."""

    run: RunReport


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider clearly did not create it.

    429 is worth sending again, after `retry_after` seconds, unless only a person can help
    (`needs_person`: no credit, a spent budget); so is what a key was refused for, with another key.
    With `is_of_starts` it counts orders, and answers anything else.
    """

    message: str
    code: str | None
    http_status: int
    retry_after: float | None = None
    refuses_key: bool = False
    needs_person: bool = False
    is_of_starts: bool = False

    @property
    def is_put_back(self) -> bool:
        return self.http_status == TOO_MANY_REQUESTS and not self.needs_person


@dataclass(frozen=True, slots=True)
class NotSent:
    """No connection came about, so nothing was asked and nothing is owed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The provider may or may not have created it: only a listing can tell."""

    reason: str


StartOutcome = Started | Refused | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One line of a run's log; `kind` is "message", "metrics" or the provider's own word."""

    event_id: str
    at: datetime | None
    level: str
    kind: str
    message: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """A model saved on the way, usable under `model_name`."""

    checkpoint_id: str
    model_name: str
    step: int
    created_at: datetime | None
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A question; `messages`, `tools` and `response_format` have OpenAI's shape, None leaves a
    setting to the provider. `counts` asks a streamed answer for its tokens too, where the service
    is known to tell them; `top_logprobs` for how likely each was, and so many others beside it.
    """

    model: str
    messages: tuple[Mapping[str, Any], ...]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    response_format: Mapping[str, Any] | None = None
    counts: bool = False
    top_logprobs: int | None = None
    reasoning_effort: str | None = None


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """An answer; `raw` is the chat completion exactly as OpenAI shapes it."""

    text: str
    model: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A piece of a call of a tool: the `index`-th of the answer; name and arguments grow."""

    index: int
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Chance:
    """A token of an answer with the natural logarithm of its probability, and the likeliest tokens
    in its place, itself often among them.
    """

    token: str
    logprob: float
    likeliest: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of a streamed answer; `raw` is the chunk exactly as OpenAI shapes it. The tokens are
    those of the whole, told once, if at all.
    """

    text: str
    finish_reason: str | None
    raw: Mapping[str, Any]
    calls: tuple[CallPiece, ...] = ()
    chances: tuple[Chance, ...] = ()
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
