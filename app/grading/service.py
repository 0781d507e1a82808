"""Decisions about a project's graders: what may stand in the library, and what a new version is."""

import hashlib
import json

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import queries as connections
from app.core import clock
from app.core.errors import Conflict, WrongInput
from app.core.forms import validated
from app.graders.base import Grader, JsonObject
from app.graders.reading import InvalidGrader, read_grader
from app.grading import queries
from app.grading.forms import GraderForm
from app.grading.models import NAME_LENGTH, GraderVersion, LibraryGrader

IN_USE = "Evaluations use this grader: it stays as long as they do."


def storable(body: JsonObject) -> JsonObject:
    """The same JSON, where a database can keep it. Raises WrongInput."""
    return validated(GraderForm, {"grader": body}).grader


def understood(body: JsonObject) -> Grader:
    """The grader of this JSON. Raises WrongInput with the path of what is wrong."""
    try:
        return read_grader(body)
    except InvalidGrader as wrong:
        raise WrongInput.field(wrong.param, wrong.message) from wrong


def create_grader(
    session: Session,
    *,
    project_id: int,
    actor_id: int,
    body: JsonObject,
    connection_id: int | None = None,
) -> LibraryGrader:
    """A grader of the library with its first version; its judges, where it has any, are asked over
    the connection. Raises WrongInput.
    """
    read = understood(body)
    connection_id = _asked_over(session, project_id, read, connection_id)
    _check_name(session, project_id, read.name, None)
    moment = clock.now(session)
    grader = LibraryGrader(
        project_id=project_id,
        name=read.name,
        type=read.type,
        number=1,
        created_by=actor_id,
        created_at=moment,
        changed_at=moment,
    )
    session.add(grader)
    session.flush()
    _add_version(session, grader, read, actor_id, connection_id)
    _record(session, grader, "grader.created", actor_id)
    return grader


def change_grader(
    session: Session,
    grader: LibraryGrader,
    *,
    actor_id: int,
    after: int | None,
    body: JsonObject,
    connection_id: int | None = None,
) -> GraderVersion:
    """The next version, or the newest where nothing changed. `after` is the version that was
    changed. Raises WrongInput, and Conflict where somebody else made a version meanwhile.
    """
    read = understood(body)
    connection_id = _asked_over(session, grader.project_id, read, connection_id)
    newest = queries.version_of(session, grader)
    assert newest is not None  # noqa: S101 - a grader has a version from the start
    if newest.sha256 == sha256_of(read, connection_id):
        return newest
    if after not in {None, grader.number}:
        raise Conflict(
            f"Somebody made version {grader.number} while this was changed. What you typed is "
            "still here: send it again to have it as the next one."
        )
    _check_name(session, grader.project_id, read.name, grader)
    grader.name, grader.type = read.name, read.type
    grader.number += 1
    grader.changed_at = clock.now(session)
    version = _add_version(session, grader, read, actor_id, connection_id)
    _record(session, grader, "grader.changed", actor_id)
    return version


def delete_grader(session: Session, grader: LibraryGrader, *, actor_id: int) -> None:
    """Forget it with all its versions. Raises Conflict where an evaluation needs it."""
    _record(session, grader, "grader.deleted", actor_id)
    session.flush()
    try:
        with session.begin_nested():
            session.delete(grader)
    except IntegrityError as error:
        raise Conflict(IN_USE) from error


def sha256_of(grader: Grader, connection_id: int | None = None) -> str:
    """The same for graders that mean the same, whether or not they say what holds anyway; judges
    over another connection are others.
    """
    whole = grader.model_dump(mode="json")
    if connection_id is not None:
        whole["connection_id"] = connection_id
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _asked_over(
    session: Session, project_id: int, grader: Grader, connection_id: int | None
) -> int | None:
    if connection_id is None or not grader.judges:
        return None
    if connections.connection_in(session, project_id, connection_id) is None:
        raise WrongInput.field("connection_id", "The project has no such connection.")
    return connection_id


def _add_version(
    session: Session,
    grader: LibraryGrader,
    read: Grader,
    actor_id: int,
    connection_id: int | None,
) -> GraderVersion:
    version = GraderVersion(
        project_id=grader.project_id,
        grader_id=grader.id,
        number=grader.number,
        type=read.type,
        settings=read.written(),
        connection_id=connection_id,
        sha256=sha256_of(read, connection_id),
        created_by=actor_id,
        created_at=grader.changed_at,
    )
    session.add(version)
    session.flush()
    return version


def _check_name(session: Session, project_id: int, name: str, itself: LibraryGrader | None) -> None:
    if not name.strip() or not name.isprintable() or len(name) > NAME_LENGTH:
        words = f"A name of 1 to {NAME_LENGTH} characters on one line is needed."
        raise WrongInput.field("grader.name", words)
    found = queries.grader_named(session, project_id, name)
    if found is not None and found is not itself:
        raise WrongInput.field("grader.name", "Another grader of the project is called so already.")


def _record(session: Session, grader: LibraryGrader, verb: str, actor_id: int) -> None:
    auth.record(
        session,
        verb,
        f"grader:{grader.id}",
        actor_id=actor_id,
        project_id=grader.project_id,
        name=grader.name,
        number=grader.number,
    )
