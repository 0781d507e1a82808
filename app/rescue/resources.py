"""Rescues as the API gives them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.rescue.models import Rescue, RescuedObject, RescuePart, Stage
from app.rescue.tallies import KindTally

PAUSED = "paused"
ORDER = list(Stage)


@dataclass(frozen=True, slots=True)
class BegunResource:
    """A rescue that was just asked for something."""

    id: int
    status: str


@dataclass(frozen=True, slots=True)
class KindResource:
    """How far one kind is. `bytes` lie here; `announced_bytes` are those the provider named of what
    is still to come. `words` say what cannot be listed, and why.
    """

    kind: str
    found: int
    home: int
    refused: int
    gone: int
    failed: int
    damaged: int
    waiting: int
    bytes: int
    announced_bytes: int
    words: list[str]


@dataclass(frozen=True, slots=True)
class PartResource:
    """A rescue's work over one connection. `words` say why it stands still; `pace` is how many
    requests a second the provider took last.
    """

    connection_id: int
    stage: str
    is_asked_for: bool
    is_paused: bool
    words: str | None
    pace: float | None
    looked_at: datetime | None
    fetched_at: datetime | None
    verified_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RescueResource:
    """A rescue. `status` is the stage of the part that is least far, or `paused`."""

    id: int
    project_id: int
    status: str
    with_completions: bool
    created_at: datetime
    parts: list[PartResource]
    kinds: list[KindResource]


@dataclass(frozen=True, slots=True)
class ObjectResource:
    """One line of the manifest."""

    kind: str
    object_id: str
    bytes: int | None
    sha256: str | None
    fetched_at: datetime | None
    outcome: str
    error: str | None


def status_of(parts: Sequence[RescuePart]) -> str:
    """The stage of the part that is least far; `paused` where somebody stopped all that works."""
    working = [part for part in parts if part.ended_at is None]
    if working and all(part.is_paused for part in working):
        return PAUSED
    return min((part.stage for part in working or parts), key=lambda one: ORDER.index(Stage(one)))


def begun_resource(rescue: Rescue) -> BegunResource:
    return BegunResource(rescue.id, status_of(rescue.parts))


def rescue_resource(rescue: Rescue, kinds: Sequence[KindTally]) -> RescueResource:
    """A rescue with its counts."""
    return RescueResource(
        id=rescue.id,
        project_id=rescue.project_id,
        status=status_of(rescue.parts),
        with_completions=rescue.with_completions,
        created_at=rescue.created_at,
        parts=[_part(part) for part in rescue.parts],
        kinds=[_kind(one) for one in kinds],
    )


def _part(part: RescuePart) -> PartResource:
    return PartResource(
        connection_id=part.connection_id,
        stage=part.stage,
        is_asked_for=part.is_asked_for,
        is_paused=part.is_paused,
        words=part.words,
        pace=part.pace,
        looked_at=part.looked_at,
        fetched_at=part.fetched_at,
        verified_at=part.verified_at,
        ended_at=part.ended_at,
    )


def _kind(one: KindTally) -> KindResource:
    return KindResource(
        kind=one.label,
        found=one.found,
        home=one.home,
        refused=one.refused,
        gone=one.gone,
        failed=one.failed,
        damaged=one.damaged,
        waiting=one.waiting,
        bytes=one.size,
        announced_bytes=one.announced,
        words=list(one.words),
    )


def object_resource(row: RescuedObject) -> ObjectResource:
    """A line of the manifest; bytes and hash only of what is whole."""
    return ObjectResource(
        kind=row.kind,
        object_id=row.object_id,
        bytes=row.size,
        sha256=row.sha256,
        fetched_at=row.fetched_at,
        outcome=row.outcome,
        error=row.error,
    )
