"""Answering the cases of a run by hand, as JSON."""

from fastapi import APIRouter
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, PathId
from app.core.database import DbSession
from app.evaluations.access import CurrentRun, EditableRun
from app.evaluations.byhand import queries, service, showing
from app.evaluations.byhand.forms import HandForm, NextForm
from app.evaluations.byhand.resources import HandCase, HandPerson, HandProgress
from app.evaluations.models import EvaluationRun
from app.evaluations.people.views import NOBODY
from app.evaluations.reports.making import labels_of
from app.evaluations.work.claiming import with_system
from app.formats.messages import tool_names_in

router = APIRouter(prefix="/api/v1", tags=["evaluations"])


def _progress(session: Session, run: EvaluationRun) -> HandProgress:
    session.flush()
    row = showing.people_of(session, run)
    found = showing.progress_of(session, row)
    people = [
        HandPerson(one.user_id, one.name or NOBODY, one.cases)
        for one in queries.who_answered(session, run.id)
    ]
    counts = (found.expected, found.given, found.waiting, found.held, found.failed)
    return HandProgress(run.status, *counts, people)


@router.get("/evaluation-runs/{evaluation_run_id}/people", name="api.hand.show")
def show(session: DbSession, run: CurrentRun) -> HandProgress:
    """How far people are who answer by hand; 404 where nobody is to."""
    return _progress(session, run)


@router.post("/evaluation-runs/{evaluation_run_id}/people/next", name="api.hand.next")
def go_to_next(session: DbSession, user: CurrentUser, run: EditableRun, body: NextForm) -> HandCase:
    """Take the next case, behind the one of the number `after`, and round again from the first."""
    number = service.claim_next(session, run.id, user_id=user.id, after=body.after)
    if number is None:
        return HandCase(None, [], [], [])
    found = queries.result_numbered(session, showing.people_of(session, run).id, number)
    assert found is not None  # noqa: S101 - it was just claimed
    messages = with_system(found.case.messages, run.settings.get("system"))
    tools = tool_names_in(found.case.tools)
    return HandCase(
        number, [*messages], [*tools], [*labels_of(session, showing.as_it_is(session, run))]
    )


@router.post("/evaluation-runs/{evaluation_run_id}/people/end", name="api.hand.end")
def end(session: DbSession, user: CurrentUser, run: EditableRun) -> HandProgress:
    """Wait for people no more: what none of them has answered fails."""
    service.end_wait(session, run.id, actor_id=user.id)
    return _progress(session, run)


@router.post("/evaluation-runs/{evaluation_run_id}/people/{number}", name="api.hand.give")
def give(
    session: DbSession, user: CurrentUser, run: EditableRun, number: PathId, body: HandForm
) -> HandProgress:
    """Answer a case, or with `skip` leave it. Sent twice it is one answer; another answer of yours
    takes its place. 409 where it is somebody else's, or the run is over.
    """
    if body.skip:
        service.skip(session, run.id, user_id=user.id)
    else:
        service.give(session, run.id, number, body.text, user_id=user.id)
    return _progress(session, run)
