"""A grader's form as it came, with the library that its formula may take from."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.core.errors import FieldError, WrongInput
from app.graders.base import JsonObject
from app.grading import queries, service
from app.grading.drafts import TYPES, Typed, read


def typed_in(session: Session, project_id: int, values: Mapping[str, str]) -> Typed:
    """What was typed, read. Raises WrongInput where its type is none."""
    kind = TYPES.get(values.get("type", ""))
    if kind is None:
        raise WrongInput.field("type", f"One of: {', '.join(TYPES)}.")
    versions = queries.newest_versions(session, project_id)
    library = {str(one.grader_id): one.settings for one in versions if one.type != "multi"}
    return read(kind, values, library)


def as_json(came: Typed) -> JsonObject:
    """The grader that was typed. Raises WrongInput, each slip under its box's path."""
    if came.errors:
        found = [FieldError(f"grader.{name}", words) for name, words in came.errors.items()]
        raise WrongInput("Some fields cannot be taken as they are.", errors=found)
    return service.storable(came.body)
