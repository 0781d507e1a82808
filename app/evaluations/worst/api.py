"""A contestant's worst cases as JSON."""

from dataclasses import dataclass

from fastapi import APIRouter, Request

from app.auth.access import PathId
from app.core.api import Limit
from app.core.database import DbSession
from app.core.keyset import page_of
from app.evaluations.access import CurrentRun
from app.evaluations.reports.entrants import opened
from app.evaluations.worst import queries, showing
from app.evaluations.worst.listing import WORST
from app.evaluations.worst.views import WorstRow

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


@dataclass(frozen=True, slots=True)
class NearRowResource:
    """A training row near a case: `likeness` is the cosine of their words, 0 to 1. `contradicts` is
    what the checks of its version found.
    """

    line: int
    likeness: float
    question: str
    answer: str
    is_right: bool | None
    contradicts: str | None


@dataclass(frozen=True, slots=True)
class WorstCaseResource:
    """A case that was answered wrongly, `rank` 1 the worst. `says` is what its nearest rows come
    to; null until they are found.
    """

    number: int
    rank: int
    question: str
    reference: str | None
    answer: str
    score: float
    base_was_right: bool
    says: str | None
    near: list[NearRowResource]


@dataclass(frozen=True, slots=True)
class WorstCasesResource:
    """A contestant's worst cases. Of `wrong` in all, `cases` are kept, and the nearest of
    `rows_looked_through` training rows are found for `looked` of them. `version_id` is null where
    the training rows are not known; `why` says why there are no cases. `next` is the cursor.
    """

    contestant: int
    version_id: int | None
    is_done: bool
    wrong: int
    cases: int
    looked: int
    rows_looked_through: int
    why: str | None
    data: list[WorstCaseResource]
    next: int | None


@router.get(
    "/evaluation-runs/{evaluation_run_id}/contestants/{number}/worst",
    name="api.worst_cases.show",
    openapi_extra=WORST.openapi,
)
def show(
    request: Request, session: DbSession, run: CurrentRun, number: PathId, limit: Limit = 50
) -> WorstCasesResource:
    """What the contestant at this place, from 1, got wrong: what the base had right first, the
    lowest score first; each case with the rows nearest to it that the contestant learned from.
    """
    here = opened(session, run)
    standing = showing.standing_view(request, session, here, number)
    drawn, asked = showing.drawn_of(session, here, number), WORST.read(request)
    if drawn is None:
        return WorstCasesResource(number, None, True, 0, 0, 0, 0, standing.why, [], None)
    found = page_of(session, queries.numbers_of(drawn.id), asked, limit=limit)
    rows = showing.worst_rows(request, session, here, number, drawn, found.ids)
    return WorstCasesResource(
        contestant=number,
        version_id=drawn.version_id,
        is_done=not standing.is_looking,
        wrong=drawn.wrong,
        cases=drawn.cases,
        looked=drawn.looked,
        rows_looked_through=drawn.rows,
        why=standing.why or None,
        data=[_resource(one) for one in rows],
        next=found.after,
    )


def _resource(row: WorstRow) -> WorstCaseResource:
    return WorstCaseResource(
        row.number,
        row.rank,
        row.question,
        row.reference,
        row.answer,
        float(row.score),
        row.is_lost,
        row.says or None,
        [
            NearRowResource(
                one.line,
                float(one.likeness),
                one.question,
                one.answer,
                one.is_right,
                one.contradicts or None,
            )
            for one in row.near
        ],
    )
