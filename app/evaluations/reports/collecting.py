"""Cases of a run that are kept as rows of a collection."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.collections import service as collections
from app.collections.models import Collection, Kind
from app.core.errors import WrongInput
from app.evaluations.models import Case, EvaluationRun
from app.evaluations.reports import queries_cases
from app.evaluations.reports.cases import question_of

MOST = 500


def collect(
    session: Session,
    run: EvaluationRun,
    numbers: Sequence[int],
    *,
    name: str,
    actor_id: int,
) -> tuple[Collection, int]:
    """Keep these cases in the collection of this name, made where there is none; how many are new
    there. Raises WrongInput, and Conflict where it is full.
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
    return collection, sum(one.is_new for one in saved)


def row_of(case: Case) -> dict[str, Any]:
    """A case as an evaluation row: what was asked and the right answer, under the names that
    graders and prompts use, unless the item has others there.
    """
    said: dict[str, Any] = {"question": question_of(case.messages)}
    if case.reference is not None:
        said["answer"] = case.reference
    return {"item": {**said, **case.item}}
