"""Reading evaluations and what their runs have shown, as JSON."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.core.api import Limit, Listing, keyed
from app.core.database import DbSession
from app.core.keyset import page_of
from app.evaluations.access import CurrentEvaluation, CurrentRun
from app.evaluations.reports import queries, queries_cases
from app.evaluations.reports.access import StreamedRun
from app.evaluations.reports.entrants import opened, opened_all, provisional_of
from app.evaluations.reports.listing import EVALUATIONS
from app.evaluations.reports.resources import (
    CaseResource,
    EvaluationListed,
    ReportResource,
    RunListed,
    case_resource,
    evaluation_listed,
    report_resource,
    run_listed,
)
from app.evaluations.reports.routes_runs import opened_anew, sent_csv, sent_jsonl
from app.evaluations.reports.words import lead
from app.projects.access import CurrentProject

router = APIRouter(prefix="/api/v1", tags=["evaluations"])

LONGEST = 20_000


@router.get(
    "/projects/{project_id}/evaluations",
    name="api.evaluations.index",
    openapi_extra=EVALUATIONS.openapi,
)
def index(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[EvaluationListed]:
    """A project's evaluations, the newest first unless asked otherwise."""
    fenced = queries.ids_of_evaluations(project.id)
    found = page_of(session, fenced, EVALUATIONS.read(request), limit=limit)
    rows = queries.evaluations_by_ids(session, project.id, found.ids)
    latest, runs = queries.latest_runs(session, found.ids), queries.run_counts(session, found.ids)
    leads = {
        one.run.evaluation_id: lead(one.run, one.figures, one.names)
        for one in opened_all(session, list(latest.values()))
    }
    return keyed(
        found,
        [
            evaluation_listed(one, latest.get(one.id), runs.get(one.id, 0), leads.get(one.id, ""))
            for one in rows
        ],
    )


@router.get("/evaluations/{evaluation_id}/runs", name="api.evaluations.runs")
def runs(session: DbSession, evaluation: CurrentEvaluation) -> Listing[RunListed]:
    """An evaluation's runs, the newest first, 200 at most."""
    found = opened_all(session, queries.runs_of(session, evaluation.id))
    return Listing(data=[run_listed(one) for one in found], next=None)


@router.get("/evaluation-runs/{evaluation_run_id}/report", name="api.evaluation_runs.report")
def report(session: DbSession, run: CurrentRun) -> ReportResource:
    """The evidence: every contestant's score with its interval, and the verdict on every two."""
    here = opened(session, run)
    return report_resource(here, provisional_of(session, here))


@router.get("/evaluation-runs/{evaluation_run_id}/cases", name="api.evaluation_runs.cases")
def cases(
    request: Request, session: DbSession, run: CurrentRun, limit: Limit = 50
) -> Listing[CaseResource]:
    """A run's cases with every answer, filtered and sorted as on its page."""
    here = opened(session, run)
    found = page_of(
        session, queries_cases.ids_of_board(run.id), here.table.read(request), limit=limit
    )
    board = queries_cases.board_rows(session, run.id, found.ids)
    answers = queries_cases.answers_to(session, here.ids, [row.case_id for row in board], LONGEST)
    by_case: dict[int, list[object]] = {}
    for one in answers:
        by_case.setdefault(one.case_id, []).append(one)
    return keyed(found, [case_resource(here, row, by_case.get(row.case_id, [])) for row in board])


@router.get("/evaluation-runs/{evaluation_run_id}/answers.csv", name="api.evaluation_runs.csv")
def as_csv(entered: StreamedRun) -> Response:
    """Every answer as a line of a table."""
    return sent_csv(entered.thing.id, opened_anew(entered))


@router.get("/evaluation-runs/{evaluation_run_id}/answers.jsonl", name="api.evaluation_runs.jsonl")
def as_jsonl(entered: StreamedRun) -> Response:
    """Every case as a line of JSON: its item, each answer, and what every grader said of it."""
    return sent_jsonl(entered.thing.id, opened_anew(entered))
