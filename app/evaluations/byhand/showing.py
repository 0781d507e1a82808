"""A page on which people answer by hand, put together from what is in the database."""

from fastapi import Request
from sqlalchemy.orm import Session

from app.auth.models import User
from app.core import clock
from app.core.errors import NotFound
from app.core.views import FormState
from app.evaluations.byhand import queries, views
from app.evaluations.byhand.models import HandAnswer
from app.evaluations.byhand.service import NO_PEOPLE
from app.evaluations.models import Contestant, EvaluationRun, Result
from app.evaluations.people.views import NOBODY, head_of
from app.evaluations.queries import run_by_id
from app.evaluations.reports.cases import question_of
from app.evaluations.reports.making import labels_of
from app.evaluations.work.claiming import with_system
from app.formats.drawn import cut
from app.formats.messages import tool_names_in, turns_in
from app.projects.access import role_here

SHOWN = 300


def overview(
    request: Request, session: Session, user: User, run: EvaluationRun
) -> views.OverviewView:
    """How far people are with a run. Raises NotFound where none take part."""
    row = people_of(session, run)
    found = queries.answered_by(session, run.id, user.id)
    is_over = run.ended_at is not None
    return views.OverviewView(
        head=head_of(run),
        name=row.name,
        cases=run.evaluation.cases,
        progress=progress_of(session, row),
        people=tuple(
            (one.name or NOBODY, one.cases, one.user_id == user.id)
            for one in queries.who_answered(session, run.id)
        ),
        own=tuple(
            views.OwnAnswer(
                one.number, question_of(one.messages), cut(one.text, SHOWN), one.given_at
            )
            for one in found
        ),
        is_over=is_over,
        is_prepared=row.expected > 0,
        can_answer=role_here(request).may("edit") and not is_over,
        topic=f"evaluation_run:{run.id}",
    )


def people_of(session: Session, run: EvaluationRun) -> Contestant:
    """The contestant of a run that is people. Raises NotFound."""
    found = queries.people_in(session, run.id)
    if found is None:
        raise NotFound(NO_PEOPLE)
    return found


def as_it_is(session: Session, run: EvaluationRun) -> EvaluationRun:
    """The run with all that pages read of it, after somebody held it."""
    session.flush()
    found = run_by_id(session, run.id)
    assert found is not None  # noqa: S101 - it was there a moment ago
    return found


def progress_of(session: Session, row: Contestant) -> views.Progress:
    """How many answers are there, and how many are not."""
    waiting, held = queries.counts(session, row.id, clock.now(session))
    return views.Progress(row.expected, row.expected - waiting - row.failed, waiting, held)


def answering(
    session: Session, user: User, run: EvaluationRun, number: int, form: FormState
) -> views.HandView:
    """The case of this number for this person, as models are asked it. Raises NotFound."""
    run = as_it_is(session, run)
    row = people_of(session, run)
    result = queries.result_numbered(session, row.id, number)
    if result is None:
        raise NotFound
    is_theirs = _is_theirs(session, user, result)
    before = result.answer.text if result.answer and is_theirs else None
    labels = labels_of(session, run)
    messages = with_system(result.case.messages, run.settings.get("system"))
    return views.HandView(
        head=head_of(run),
        number=number,
        progress=progress_of(session, row),
        turns=turns_in(messages) if is_theirs else None,
        tools=tool_names_in(result.case.tools),
        labels=tuple(labels) if before is None or before in labels else (),
        is_change=before is not None,
        is_over=run.ended_at is not None,
        form=FormState({"text": before or "", **form.values}, form.errors),
    )


def _is_theirs(session: Session, user: User, result: Result) -> bool:
    """In their hands, or answered by them."""
    found = session.get(HandAnswer, result.id, populate_existing=True)
    return found is not None and found.user_id == user.id
