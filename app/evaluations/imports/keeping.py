"""An import becomes an evaluation, with its graders in the library and the answers it brought as a
run that was.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.auth import service as auth
from app.core import clock
from app.core.errors import WrongInput
from app.core.events import announce
from app.evaluations import queries
from app.evaluations.forms import MOST_GRADERS
from app.evaluations.imports import queries as known_names
from app.evaluations.imports.base import CaseToBe, Imported, Told
from app.evaluations.imports.recorded import AT_ONCE, insert_all, keep_run
from app.evaluations.models import (
    ALL,
    Case,
    CaseTag,
    Evaluation,
    EvaluationGrader,
    EvaluationStatus,
)
from app.evaluations.service import TAKEN
from app.evaluations.sources import Draft, fields_that_sort, tags_in
from app.formats.base import JsonObject
from app.grading import queries as library
from app.grading.models import NAME_LENGTH, LibraryGrader
from app.grading.service import create_grader, sha256_of, storable, understood

UNNAMED = "Imported evaluation"
NO_GRADERS = "It brings no grader that can grade here. Choose one of the library at least: {why}"
TOO_MANY = f"At most {MOST_GRADERS} graders in an evaluation; this one was left out."


def keep(
    session: Session,
    imported: Imported,
    *,
    project_id: int,
    actor_id: int,
    name: str | None,
    graders: Sequence[JsonObject | LibraryGrader],
) -> Evaluation:
    """The evaluation of an import. `graders` stand at the places that its grades name; those that
    are JSON join the library under free names. Raises WrongInput where the name is taken, or
    nothing can grade.
    """
    fitting = _that_grade(graders)
    told = (*imported.told, *fitting.told)
    if not fitting.graders:
        why = told[0].words if told else "it has none."
        raise WrongInput.field("graders", NO_GRADERS.format(why=why))
    called = _name(session, project_id, name, imported)
    moment = clock.now(session)
    drafts = _drafts(imported.cases)
    made = Evaluation(
        project_id=project_id,
        name=called,
        status=EvaluationStatus.READY,
        source={
            "kind": "imported",
            "what": imported.what,
            "told": [[one.place, one.words] for one in told],
        },
        prompt=list(imported.prompt) or None,
        pass_rule=ALL,
        cases=len(drafts),
        tokens=sum(one.tokens for one in drafts),
        answer_tokens=sum(one.answer_tokens for one in drafts),
        created_by=actor_id,
        created_at=moment,
    )
    session.add(made)
    session.flush()
    used = _graders(session, made, actor_id, fitting.graders)
    case_ids = _keep_cases(session, made, drafts)
    if imported.contestants:
        places = _places(used, fitting.places)
        keep_run(session, made, places, imported.contestants, case_ids)
    auth.record(
        session,
        "evaluation.imported",
        f"evaluation:{made.id}",
        actor_id=actor_id,
        project_id=project_id,
        name=made.name,
    )
    announce(session, f"project:{project_id}")
    return made


def _name(session: Session, project_id: int, name: str | None, imported: Imported) -> str:
    """The name asked for, else what it was called, made free. Raises WrongInput."""
    if name is not None:
        if queries.evaluation_named(session, project_id, name) is not None:
            raise WrongInput.field("name", TAKEN)
        return name
    said = " ".join("".join(one if one.isprintable() else " " for one in imported.name).split())
    taken = set(known_names.evaluation_names(session, project_id))
    return _free(said or UNNAMED, taken)


def _free(wanted: str, taken: set[str]) -> str:
    """The name, or the first with a number behind it that is free."""
    name, number = wanted[:NAME_LENGTH], 2
    while name in taken:
        behind = f" {number}"
        name, number = wanted[: NAME_LENGTH - len(behind)] + behind, number + 1
    return name


def _drafts(cases: Sequence[CaseToBe]) -> list[Draft]:
    fields = fields_that_sort((one.item for one in cases), (one.reference for one in cases))
    return [
        Draft(
            one.messages,
            None,
            one.item,
            one.reference,
            tags_in(one.item, one.reference, fields),
        )
        for one in cases
    ]


class Fitting(NamedTuple):
    """The graders that can grade here, each at its place in the import, and why others cannot."""

    graders: list[JsonObject | LibraryGrader]
    places: list[int]
    told: tuple[Told, ...]


def _that_grade(graders: Sequence[JsonObject | LibraryGrader]) -> Fitting:
    found = Fitting([], [], ())
    for place, one in enumerate(graders):
        name = one.name if isinstance(one, LibraryGrader) else str(one["name"])
        why = None if isinstance(one, LibraryGrader) else understood(one).obstacle()
        if why is None and len(found.graders) == MOST_GRADERS:
            why = TOO_MANY
        if why is not None:
            found = found._replace(told=(*found.told, Told(f"grader {name[:80]}", why)))
            continue
        found.graders.append(one)
        found.places.append(place)
    return found


def _graders(
    session: Session,
    made: Evaluation,
    actor_id: int,
    graders: Sequence[JsonObject | LibraryGrader],
) -> list[LibraryGrader]:
    taken = set(known_names.grader_names(session, made.project_id))
    used: list[LibraryGrader] = []
    for one in graders:
        found = one if isinstance(one, LibraryGrader) else None
        used.append(found or _in_library(session, made.project_id, actor_id, one, taken))
    session.add_all(
        EvaluationGrader(evaluation_id=made.id, place=place, grader_id=grader.id)
        for place, grader in enumerate(dict.fromkeys(used))
    )
    session.flush()
    return used


def _places(used: Sequence[LibraryGrader], of_import: Sequence[int]) -> dict[int, LibraryGrader]:
    """Which grader says what the import has at a place; the first of those that are the same."""
    found: dict[int, LibraryGrader] = {}
    for place, grader in zip(of_import, used, strict=True):
        if grader not in found.values():
            found[place] = grader
    return found


def _in_library(
    session: Session, project_id: int, actor_id: int, body: Any, taken: set[str]
) -> LibraryGrader:
    """The grader of this JSON: the one that stands there already if it is the same, else a new
    one.
    """
    wanted = " ".join(str(body["name"]).split()) or str(body["type"])
    body = storable({**body, "name": wanted[:NAME_LENGTH]})
    known = library.grader_named(session, project_id, body["name"])
    version = library.version_of(session, known) if known else None
    if known and version and version.sha256 == sha256_of(understood(body)):
        return known
    body = {**body, "name": _free(body["name"], taken)}
    taken.add(body["name"])
    return create_grader(session, project_id=project_id, actor_id=actor_id, body=body)


def _keep_cases(session: Session, made: Evaluation, drafts: Sequence[Draft]) -> list[int]:
    rows = [
        {
            "evaluation_id": made.id,
            "number": number,
            "line": None,
            "row_id": None,
            "messages": one.messages,
            "tools": None,
            "item": one.item,
            "reference": one.reference,
            "tokens": one.tokens,
        }
        for number, one in enumerate(drafts, start=1)
    ]
    ids = insert_all(session, Case, rows)
    tags = [
        {"case_id": case_id, "field": field, "value": value, "evaluation_id": made.id}
        for case_id, one in zip(ids, drafts, strict=True)
        for field, value in one.tags
    ]
    for first in range(0, len(tags), AT_ONCE):
        session.execute(insert(CaseTag), tags[first : first + AT_ONCE])
    return ids
