"""Asking a grader's judges about rows of a dataset, as JSON: the price, then the verdicts."""

from dataclasses import dataclass
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Query

from app.connections.models import Connection
from app.core.errors import WrongInput
from app.grading.access import GraderSeat, JudgedGrader, JudgingSeat, TriedGrader
from app.grading.asking import ask_judges
from app.grading.estimates import Estimate, judging_estimate, spent
from app.grading.forms import JudgeBody, JudgeForm
from app.grading.judging import At, Came, Judging, judging, open_questions, tried
from app.grading.models import LibraryGrader
from app.grading.opening import Opened, asked_over, judged_version, opened
from app.grading.resources import TriedResource, tried_resource

router = APIRouter(prefix="/api/v1", tags=["graders"])

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class JudgingPriceResource:
    """What judges would be asked. `about_dollars` takes 150 tokens a reply, `most_dollars` as many
    as a reply may have; both are null where nobody knows the price.
    """

    questions: int
    prompt_tokens: int
    about_dollars: float | None
    most_dollars: float | None


@dataclass(frozen=True, slots=True)
class JudgedResource:
    """What judges said. `dollars` is what it cost, null where nobody knows."""

    tried: TriedResource
    questions: int
    dollars: float | None


@router.get("/graders/{grader_id}/judging", name="api.graders.price")
def price(
    entered: TriedGrader, _seat: GraderSeat, asked: Annotated[JudgeForm, Query()]
) -> JudgingPriceResource:
    """What it would cost to ask a grader's judges about rows of a dataset version, 20 at most.
    Nobody is asked.
    """
    found = opened(entered.thing, None)
    rows = _rows(found, asked, None)
    estimate = _estimate(found, asked_over(found), rows)
    return JudgingPriceResource(
        estimate.questions, estimate.prompt_tokens, estimate.about, estimate.most
    )


@router.post("/graders/{grader_id}/judge", name="api.graders.judge")
async def judge(entered: JudgedGrader, _seat: JudgingSeat, body: JudgeBody) -> JudgedResource:
    """Ask a grader's judges about rows of a dataset version, 20 at most. With `most_dollars` nobody
    is asked where it could cost more, or nobody knows. A question whose provider does not answer
    has a fault in its words. Nothing is kept.
    """
    found, connection, rows = await anyio.to_thread.run_sync(_begun, entered.thing, body)
    came: dict[At, Came] = {}
    while questions := open_questions(rows, came)[:AT_ONCE]:
        came |= await ask_judges(connection, found.read.judges, questions)
    return JudgedResource(
        tried_resource(tried(found.read, rows, came)),
        len(came),
        spent(connection.profile, found.read.judges, came),
    )


def _begun(grader: LibraryGrader, body: JudgeBody) -> tuple[Opened, Connection, Judging]:
    found = opened(grader, None)
    rows = _rows(found, body, body.answers)
    connection = asked_over(found)
    if body.most_dollars is not None:
        most = _estimate(found, connection, rows).most
        if most is None or most > body.most_dollars:
            words = "It could cost more." if most else "Nobody knows what it costs."
            raise WrongInput.field("most_dollars", words)
    return found, connection, rows


def _rows(found: Opened, form: JudgeForm, answers: list[str] | None) -> Judging:
    return judging(found.read, judged_version(found, form), form, answers)


def _estimate(found: Opened, connection: Connection, rows: Judging) -> Estimate:
    asks = [(found.read.judges[name], ask) for (_, name), ask in open_questions(rows, {})]
    return judging_estimate(connection.profile, asks)
