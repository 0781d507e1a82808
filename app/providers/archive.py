"""What a provider keeps of a team's history, as it wrote it: lists of it, page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class Archive(StrEnum):
    """The lists of a history. In brackets what must be named to see one: the ids of its parents,
    or a model.
    """

    EVALS = "evals"
    EVAL_RUNS = "eval_runs"  # (eval)
    EVAL_ITEMS = "eval_items"  # (eval, run)
    MODELS = "models"
    JOBS = "jobs"
    EVENTS = "events"  # (job)
    CHECKPOINTS = "checkpoints"  # (job)
    PERMISSIONS = "permissions"  # (checkpoint's model name); an admin key
    FILES = "files"
    USAGE = "usage"  # an admin key; one item is the bucket of a day
    COMPLETIONS = "completions"  # (model)
    MESSAGES = "messages"  # (completion)


@dataclass(frozen=True, slots=True)
class Archived:
    """One object of a list. `raw` is its JSON exactly as the provider wrote it but for the space
    between its words, on one line, UTF-8; `fields` the same, read, and fit for a database.
    """

    object_id: str
    raw: bytes
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ArchivePage:
    """One page of a list; `cursor` asks for the next, None at its end."""

    items: tuple[Archived, ...]
    cursor: str | None


@runtime_checkable
class Archives(Protocol):
    """A provider whose history can be read. It only ever asks: every call is a GET.

    Raises the errors of `providers.base`: NotFound for a list it does not have, or a parent that is
    gone; NotPermitted where this key may not see it. A page that leads to itself is an error;
    whoever follows cursors has to notice wider circles. An object without an id, or with one
    longer than 255 characters, is left out. `since` is for USAGE, which needs it at each page.
    Safe for use by several threads at once.
    """

    def archived(
        self,
        archive: Archive,
        parents: Sequence[str] = (),
        *,
        cursor: str | None = None,
        since: datetime | None = None,
    ) -> ArchivePage: ...
