"""Cases of a run that are kept as rows of a collection."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.collections import service as collections
from app.collections.models import Collection, Kind
from app.core.errors import WrongInput
from app.core.keyset import page_of
from app.core.listing import Asked
from app.evaluations.models import Case, EvaluationRun
from app.evaluations.reports import queries_cases
from app.evaluations.reports.cases import question_of
from app.evidence.words import cases_in_words

MOST = 500


def matching(session: Session, fenced: Select[int], asked: Asked) -> Sequence[int]:
    """The numbers of all cases of a list that an address asks for. Raises WrongInput where they are
    many.
    """
    found = page_of(session, fenced, asked, limit=MOST)
    if found.has_later:
        raise WrongInput.field("chosen", f"At most {MOST} cases at once: filter them.")
    return found.ids


def collect(
    session: Session,
    run: EvaluationRun,
    numbers: Sequence[int],
    *,
    name: str,
    actor_id: int,
) -> tuple[Collection, str]:
    """Keep these cases in the collection of this name, made where there is none; what was done, in
    words. Raises WrongInput, and Conflict where it is full.
    """
    if not numbers:
        raise WrongInput.field("chosen", "No case is chosen.")
    cases = queries_cases.cases_numbered(session, run.evaluation_id, numbers)
    collection = collections.named(
        session, project_id=run.project_id, actor_id=actor_id, name=name, kind=Kind.EVALUATION
    )
    saved = [
        collections.save(
            session,
            collection,
            row_of(case),
            actor_id=actor_id,
            origin=f"{run.evaluation.name}, run {run.number}, case {case.number}",
        )
        for case in cases
    ]
    new = sum(one.is_new for one in saved)
    told = f"{cases_in_words(len(numbers))} in {collection.name} now, {new:,} of them new."
    return collection, told


def row_of(case: Case) -> dict[str, Any]:
    """A case as an evaluation row: what was asked and the right answer, under the names that
    graders and prompts use, unless the item has others there.
    """
    said: dict[str, Any] = {"question": question_of(case.messages)}
    if case.reference is not None:
        said["answer"] = case.reference
    return {"item": {**said, **case.item}}
