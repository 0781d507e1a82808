"""Leaks as JSON."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.core.database import DbSession
from app.core.errors import Conflict, WrongInput
from app.datasets import queries
from app.datasets.access import CurrentVersion
from app.datasets.comparing import NO_SUCH, compared

router = APIRouter(prefix="/api/v1", tags=["datasets"])


@dataclass(frozen=True, slots=True)
class LeakResource:
    """A validation row that stands in the training set on the line `training_row`; `share` of their
    phrases of three words agree.
    """

    kind: Literal["same", "near", "question"]
    row: int
    training_row: int
    share: float


@dataclass(frozen=True, slots=True)
class LeaksResource:
    """How many of the `rows` stand in the training set, each counted once; `first` are at most 100
    of each kind.
    """

    rows: int
    same: int
    near: int
    question: int
    first: list[LeakResource]


@router.get("/dataset-versions/{version_id}/leaks", name="api.versions.leaks")
def leaks(
    session: DbSession,
    version: CurrentVersion,
    training_version_id: Annotated[int, Query(ge=1, le=2**53)],
) -> LeaksResource:
    """What of a version, taken as a validation set, stands in another that is trained on."""
    training = queries.version_in(session, version.project_id, training_version_id)
    if training is None:
        raise WrongInput.field("training_version_id", NO_SUCH)
    found = compared(version, training)
    if isinstance(found, str):
        raise Conflict(found)
    first = [LeakResource(one.kind, one.line, one.other, one.share) for one in found.shown]
    return LeaksResource(found.rows, found.same, found.near, found.question, first)
