"""A page about contestants head to head, put together from what is in the database."""

from typing import Any

from fastapi import Request
from sqlalchemy.orm import Session

from app.auth.models import User
from app.budgets.money import dollars
from app.core.views import FormState
from app.evaluations.duels import queries, views
from app.evaluations.duels.models import DuelsStatus, DuelStatus, JudgedDuels
from app.evaluations.duels.outcomes import outcomes_of, swap_of, whole
from app.evaluations.duels.wins import grid_of, lines_of, tallied
from app.evaluations.models import EvaluationRun
from app.evaluations.people import queries as people
from app.evaluations.people import showing as rounds
from app.evaluations.people.models import RoundKind
from app.evaluations.people.views import head_of, name_of
from app.evaluations.prices import Cost
from app.formats.drawn import cut
from app.projects.access import role_here

PAGE, SHOWN_TEXT = 20, 600
WORDS = {"first": "{} is better", "second": "{} is better", "tie": "A tie"}


def index(
    request: Request,
    session: Session,
    user: User,
    run: EvaluationRun,
    form: FormState,
    price: Cost | None = None,
) -> views.IndexView:
    """Who was compared by whom, and the form."""
    rows = queries.duels_of_run(session, run.id)
    counts = queries.counts_of(session, [one.id for one in rows])
    judges = queries.judges_of(session, run.project_id)
    return views.IndexView(
        head=head_of(run),
        judged=tuple(views.line(one, counts[one.id]) for one in rows),
        rounds=rounds.lines(request, session, user, run, kind=RoundKind.DUELS),
        judges=tuple((one.grader_id, one.grader.name) for one in judges),
        contestants=tuple((one.id, one.name) for one in people.contestants_of(session, run.id)),
        can_edit=role_here(request).may("spend"),
        form=form,
        price=views.PriceView(price.requests, dollars(price.expected), dollars(price.most))
        if price
        else None,
    )


def show(
    request: Request, session: Session, row: JudgedDuels, form: FormState, *, after: int = 0
) -> views.ShowView:
    """A judge's comparing: how far it is, what it says, and whether it minds the place."""
    said = whole(queries.said_of(session, row.id), both_ways=row.both_ways)
    tallies = tallied(outcomes_of(said))
    names = {one.place: one.name for one in people.contestants_of(session, row.run_id)}
    there = sorted({place for pair in tallies for place in pair})
    counts = queries.counts_of(session, [row.id])[row.id]
    pairs = queries.duels_of(session, row.id, after=after, limit=PAGE + 1)
    is_over = row.status in {DuelsStatus.DONE, DuelsStatus.STOPPED}
    return views.ShowView(
        head=head_of(row.run),
        duels_id=row.id,
        number=row.number,
        judge=row.version.grader.name,
        model=str(row.version.settings["model"]),
        grader_id=row.version.grader_id,
        badge=views.BADGES[DuelsStatus(row.status)],
        paused=row.words if row.status == DuelsStatus.PAUSED else None,
        both_ways=row.both_ways,
        pairs=row.pairs,
        questions=sum(counts.get(status, 0) for status in DuelStatus),
        judged=counts.get(DuelStatus.JUDGED, 0),
        malformed=counts.get("fault", 0),
        failed=counts.get(DuelStatus.FAILED, 0),
        estimate=dollars(row.estimate),
        cap=dollars(row.cap),
        spent=None if row.estimate is None else dollars(row.spent),
        by=name_of(row.creator),
        created_at=row.created_at,
        lines=tuple(lines_of(tallies, names)),
        names=tuple(names[place] for place in there),
        grid=grid_of(tallies, there),
        swap=swap_of(said) if row.both_ways else None,
        said=tuple(map(_said, pairs[:PAGE])),
        next_after=pairs[PAGE - 1].Duel.id if len(pairs) > PAGE else None,
        can_spend=role_here(request).may("spend"),
        is_over=is_over,
        is_paused=row.status == DuelsStatus.PAUSED,
        topic="" if is_over else f"duels:{row.id}",
        form=form,
    )


def _said(row: Any) -> views.Said:
    duel = row.Duel
    words = WORDS.get(duel.outcome, duel.status)
    return views.Said(
        duel.id,
        row.case,
        row.first,
        row.second,
        cut(row.first_text, SHOWN_TEXT),
        cut(row.second_text, SHOWN_TEXT),
        duel.was_first,
        words.format(row.second if duel.outcome == "second" else row.first),
        duel.reason or ("Word for word the same, so nobody was asked." if _is_same(duel) else ""),
        (duel.fault or duel.error) if duel.outcome is None else None,
    )


def _is_same(duel: Any) -> bool:
    return duel.outcome == "tie" and duel.answer_id is None
