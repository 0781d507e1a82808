"""A grader's form as it came, with the library that its formula may take from."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.connections import queries as connections
from app.core.errors import FieldError, WrongInput
from app.graders.base import JsonObject
from app.grading import queries, service
from app.grading.drafts import TYPES, Typed, read
from app.grading.models import GraderVersion


def typed_in(session: Session, project_id: int, values: Mapping[str, str]) -> Typed:
    """What was typed, read. Raises WrongInput where its type is none."""
    kind = TYPES.get(values.get("type", ""))
    if kind is None:
        raise WrongInput.field("type", f"One of: {', '.join(TYPES)}.")
    versions = queries.newest_versions(session, project_id)
    library = {str(one.grader_id): one.settings for one in versions if one.type != "multi"}
    return read(kind, values, library)


class Around(NamedTuple):
    """What a form offers: graders for a formula, connections for judges, rows to try it on."""

    versions: Sequence[GraderVersion]
    connections: Sequence[tuple[int, str]]
    choices: Sequence[tuple[int, str]]


def around_form(session: Session, project_id: int) -> Around:
    """What the project has of them."""
    return Around(
        queries.newest_versions(session, project_id),
        connections.connection_names(session, project_id),
        queries.versions_to_try(session, project_id),
    )


def as_json(came: Typed) -> JsonObject:
    """The grader that was typed. Raises WrongInput, each slip under its box's path."""
    if came.errors:
        found = [FieldError(f"grader.{name}", words) for name, words in came.errors.items()]
        raise WrongInput("Some fields cannot be taken as they are.", errors=found)
    return service.storable(came.body)
