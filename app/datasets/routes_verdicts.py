"""What each provider would say of a version: the part of its report, and the same as JSON."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import csrf_checked
from app.connections import queries as connections
from app.core.api import Listing
from app.core.database import DbSession
from app.core.errors import Conflict, WrongInput
from app.core.pages import page
from app.datasets import queries
from app.datasets.access import CurrentVersion
from app.datasets.found import found_in
from app.datasets.models import DatasetVersion, VersionStatus
from app.datasets.verdict_views import method_for, side_by_side
from app.datasets.verdicts import Objection, Said, say
from app.providers.profiles import Profile, profiles

router = APIRouter(dependencies=[Depends(csrf_checked)])
api = APIRouter(prefix="/api/v1", tags=["datasets"])


@router.get("/dataset-versions/{version_id}/verdicts", name="datasets.verdicts")
def verdicts(
    request: Request, session: DbSession, version: CurrentVersion, profile: str = ""
) -> Response:
    _check_ready(version)
    asked: dict[str, list[str]] = {}
    for connection in connections.connections_of(session, version.project_id):
        asked.setdefault(connection.profile, []).append(connection.name)
    view = side_by_side(version.id, found_in(version), asked, profiles(), chosen=profile)
    return page(request, "datasets/verdicts.html", view)


@dataclass(frozen=True, slots=True)
class VerdictResource:
    """What a provider would say of a version by one method. `objections` with severity "error" are
    what it would refuse a job for; with none of those it is `accepted`. Of an objection, `count` is
    how often its rule is broken, null for the file as a whole, and `rows` the first such lines.
    """

    profile: str
    provider: str
    method: str
    accepted: bool
    objections: tuple[Objection, ...]
    source: str
    read_on: date


@api.get("/dataset-versions/{version_id}/verdicts", name="api.versions.verdicts")
def verdicts_as_json(
    session: DbSession,
    version: CurrentVersion,
    profile: Annotated[
        str | None, Query(description="One provider's profile; all of them where none is named.")
    ] = None,
    method: Annotated[
        str | None, Query(description="supervised, dpo or reinforcement; by the rows' format.")
    ] = None,
    base_model: Annotated[str | None, Query(max_length=255)] = None,
    validation_version_id: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None,
) -> Listing[VerdictResource]:
    """What each provider Luthier knows would say of this version. 409 while it is not ready."""
    _check_ready(version)
    training = found_in(version)
    validation = None
    if validation_version_id is not None:
        validation = found_in(_validation(session, version, validation_version_id))
    said = [
        say(one, how, training, validation, base_model=base_model)
        for one in _asked(profile)
        if (how := one.rows.method(method) if method else method_for(one, training.format))
    ]
    return Listing(data=[_resource(one) for one in said], next=None)


def _asked(profile: str | None) -> list[Profile]:
    known = profiles()
    if profile is None:
        return list(known.values())
    if profile not in known:
        raise WrongInput.field("profile", f"There is no such profile. Name {', '.join(known)}.")
    return [known[profile]]


def _validation(session: Session, version: DatasetVersion, version_id: int) -> DatasetVersion:
    found = queries.version_in(session, version.project_id, version_id)
    if found is None:
        raise WrongInput.field("validation_version_id", "This project has no such dataset version.")
    _check_ready(found)
    return found


def _check_ready(version: DatasetVersion) -> None:
    if version.status != VersionStatus.READY:
        raise Conflict(f"This version is {version.status}, not ready: no provider is asked.")


def _resource(said: Said) -> VerdictResource:
    return VerdictResource(
        said.profile,
        said.provider,
        said.method,
        not said.refusals,
        said.objections,
        said.source,
        said.read_on,
    )
