"""The list of a project's evaluations, one of them with its runs, and what two runs come to."""

from fastapi import Request
from sqlalchemy.orm import Session

from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import percent
from app.core.views import ChartColumn, ColumnChart
from app.datasets import queries as datasets
from app.evaluations.models import Evaluation, EvaluationRun, EvaluationStatus, RunStatus
from app.evaluations.reports import queries, queries_cases
from app.evaluations.reports.entrants import Opened, opened, opened_all
from app.evaluations.reports.listing import EVALUATIONS
from app.evaluations.reports.scores import said
from app.evaluations.reports.views import (
    GONE,
    EvaluationRow,
    EvaluationView,
    IndexView,
    LatestView,
    RunRow,
)
from app.evaluations.reports.words import STATES, follows, lead
from app.projects.queries import members_of
from app.projects.views import initials

PAGE = 25
STATUSES = {
    EvaluationStatus.READING: ("running", "Reading cases"),
    EvaluationStatus.READY: ("ready", "Ready"),
    EvaluationStatus.REFUSED: ("failed", "Refused"),
}
RULES = {"all": "every grader passes it", "any": "any grader passes it"}


def index_view(request: Request, session: Session, project_id: int, *, can_edit: bool) -> IndexView:
    """The project's evaluations as the address asks."""
    asked, fenced = EVALUATIONS.read(request), queries.ids_of_evaluations(project_id)
    found = page_of(session, fenced, asked, limit=PAGE)
    rows = queries.evaluations_by_ids(session, project_id, found.ids)
    latest = queries.latest_runs(session, found.ids)
    runs = queries.run_counts(session, found.ids)
    people = [(str(one.user_id), one.user.name) for one in members_of(session, project_id)]
    leads = {
        one.run.id: lead(one.run, one.figures, one.names)
        for one in opened_all(session, list(latest.values()))
    }
    return IndexView(
        project_id=project_id,
        evaluations=tuple(
            _row(one, latest.get(one.id), runs.get(one.id, 0), leads) for one in rows
        ),
        list=list_view(
            request,
            asked,
            found,
            place_of(session, fenced, asked, found),
            options={"by": people},
        ),
        has_any=bool(rows) or queries.has_evaluations(session, project_id),
        can_edit=can_edit,
        held_out=_held_out(session, project_id),
    )


def _held_out(session: Session, project_id: int) -> tuple[int, str, int] | None:
    """A dataset version to begin with: its id, its name, its rows."""
    found = datasets.ready_versions(session, project_id)
    newest = next(iter(found), None)
    return (newest.id, newest.dataset.name, newest.rows or 0) if newest else None


def _row(
    one: Evaluation, run: EvaluationRun | None, runs: int, leads: dict[int, str]
) -> EvaluationRow:
    status, words = STATUSES[EvaluationStatus(one.status)]
    by = one.creator.name if one.creator else GONE
    return EvaluationRow(
        id=one.id,
        name=one.name,
        status=status,
        words=words,
        verdict=leads[run.id] if run else "",
        run_id=run.id if run else None,
        cases=one.cases,
        runs=runs,
        by=by,
        by_initials=initials(by),
        created_at=one.created_at,
    )


def evaluation_view(session: Session, evaluation: Evaluation, *, can_edit: bool) -> EvaluationView:
    """An evaluation with its runs, the newest first."""
    runs = opened_all(session, queries.runs_of(session, evaluation.id))
    status, words = STATUSES[EvaluationStatus(evaluation.status)]
    version = evaluation.dataset_version
    return EvaluationView(
        project_id=evaluation.project_id,
        evaluation_id=evaluation.id,
        name=evaluation.name,
        status=status,
        words=words,
        lead=_evaluation_lead(evaluation, runs),
        cases=evaluation.cases,
        source="a dataset version" if version else "pasted rows",
        version_id=version.id if version else None,
        graders=tuple((one.grader_id, one.grader.name) for one in evaluation.graders),
        pass_rule=_rule(evaluation),
        by=evaluation.creator.name if evaluation.creator else GONE,
        created_at=evaluation.created_at,
        runs=tuple(_run_row(one) for one in runs),
        over_time=_over_time(runs),
        tags=tuple(queries_cases.tags_of(session, evaluation.id)),
        can_edit=can_edit,
        topic=f"evaluation:{evaluation.id}",
    )


def _evaluation_lead(evaluation: Evaluation, runs: list[Opened]) -> str:
    if evaluation.status == EvaluationStatus.REFUSED:
        return evaluation.last_error or "None of its rows can be a case."
    if evaluation.status == EvaluationStatus.READING:
        return "Its cases are being read."
    if runs:
        latest = next((one for one in runs if one.run.ended_at is not None), runs[0])
        return lead(latest.run, latest.figures, latest.names)
    return f"{evaluation.cases:,} cases are ready, and nobody has been asked yet."


def _rule(evaluation: Evaluation) -> str:
    """When an answer passes, in words."""
    if evaluation.pass_rule in RULES:
        return (
            RULES[evaluation.pass_rule] if len(evaluation.graders) > 1 else "the grader passes it"
        )
    deciding = (one for one in evaluation.graders if str(one.place) == evaluation.pass_rule)
    return next((f"{one.grader.name} passes it" for one in deciding), "its graders pass it")


def _run_row(one: Opened) -> RunRow:
    state, words = STATES[RunStatus(one.run.status)]
    return RunRow(
        id=one.run.id,
        number=one.run.number,
        state=state,
        state_words=words,
        lead=lead(one.run, one.figures, one.names),
        contestants=len(one.names),
        best=_best(one),
        by=one.run.origin or (one.run.creator.name if one.run.creator else GONE),
        at=one.run.created_at,
    )


def _best(one: Opened) -> str:
    """Who scored highest, and how high."""
    if one.figures is None:
        return ""
    known = [
        (value, standing.place)
        for standing in one.figures.standings
        if (value := standing.score.value) is not None
    ]
    if not known:
        return ""
    value, place = max(known)
    return f"{one.names[place]}, {said(value, one.figures.measure)}"


def _over_time(runs: list[Opened]) -> ColumnChart | None:
    """The highest share of passes of each run, the oldest first."""
    found = [
        (one, max(passes))
        for one in reversed(runs)
        if one.figures
        and (
            passes := [
                value
                for standing in one.figures.standings
                if (value := standing.passes.value) is not None
            ]
        )
    ]
    if len(found) < 2:  # noqa: PLR2004 - one column is no chart
        return None
    return ColumnChart(
        columns=tuple(
            ChartColumn(f"run {one.run.number}", value, f"run {one.run.number}: {percent(value)}")
            for one, value in found
        ),
        ticks=((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")),
    )


def latest_view(session: Session, project_id: int, run: EvaluationRun | None) -> LatestView:
    """The latest verdict on something, or that there is none."""
    if run is None:
        return LatestView(project_id, None, "", 0, "", "", "", "", None)
    one = opened(session, run)
    state, words = STATES[RunStatus(run.status)]
    return LatestView(
        project_id=project_id,
        run_id=run.id,
        evaluation_name=run.evaluation.name,
        number=run.number,
        state=state,
        state_words=words,
        lead=lead(run, one.figures, one.names),
        next=follows(run, one.figures),
        at=run.ended_at or run.created_at,
    )
