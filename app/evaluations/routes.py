"""The forms of evaluations and of their runs, and steering a run."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.budgets import telling
from app.budgets.lines import effect_of
from app.budgets.standing import OverBudget, standing_of
from app.connections import queries as connections
from app.core.database import DbSession
from app.core.errors import ProductError, WrongInput
from app.core.forms import form_values, validated
from app.core.pages import page, redirect
from app.core.views import FormState
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion
from app.evaluations import drafts, queries, service
from app.evaluations.access import SpendableEvaluation, SpendableRun
from app.evaluations.forms import ResumeForm
from app.evaluations.models import Evaluation
from app.evaluations.orders import priced
from app.evaluations.typed import boxed, evaluation_form, run_form
from app.grading import queries as graders
from app.jobs import queries_offered
from app.projects.access import EditableProject

router = APIRouter(dependencies=[Depends(csrf_checked)])

Values = Annotated[dict[str, str], Depends(form_values)]


@router.get("/projects/{project_id}/evaluations/new", name="evaluations.new")
def new(request: Request, session: DbSession, project: EditableProject) -> Response:
    values = dict(request.query_params)
    return page(request, "evaluations/new.html", _new(session, project.id, values, {}))


@router.post("/projects/{project_id}/evaluations", name="evaluations.create")
def create(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: EditableProject,
    values: Values,
) -> Response:
    try:
        made = service.create_evaluation(
            session, project_id=project.id, actor_id=user.id, form=evaluation_form(values)
        )
    except WrongInput as error:
        view = _new(session, project.id, values, _errors(boxed(error)))
        return page(request, "evaluations/new.html", view, status=422)
    toast = f"The cases of {made.name} are being read."
    return redirect(request, "evaluations.show", evaluation_id=made.id, toast=toast)


def _new(
    session: Session, project_id: int, values: Mapping[str, str], errors: Mapping[str, str]
) -> drafts.NewView:
    versions = [one for one in datasets.ready_versions(session, project_id) if one.format]
    library = [one.grader for one in graders.newest_versions(session, project_id)]
    return drafts.new_view(project_id, values, errors, versions, library)


@router.get("/evaluations/{evaluation_id}/runs/new", name="evaluation_runs.new")
def new_run(request: Request, session: DbSession, evaluation: SpendableEvaluation) -> Response:
    view = _run_form(session, evaluation, dict(request.query_params), {})
    is_part = request.headers.get("hx-request") and not request.headers.get("hx-boosted")
    return page(request, "evaluations/new_run.html", view, fragment="form" if is_part else None)


@router.get("/evaluations/{evaluation_id}/runs/receipt", name="evaluation_runs.receipt")
def receipt(request: Request, session: DbSession, evaluation: SpendableEvaluation) -> Response:
    found = _receipt(session, evaluation, dict(request.query_params))
    return page(request, "evaluations/new_run.html", drafts.ReceiptView(found), fragment="receipt")


@router.post("/evaluations/{evaluation_id}/runs", name="evaluation_runs.start")
def start(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    evaluation: SpendableEvaluation,
    values: Values,
) -> Response:
    key = service.key_for("form", values.get("nonce") or str(uuid.uuid4()))
    try:
        run = service.start_run(
            session, evaluation, actor_id=user.id, form=run_form(values), request_key=key
        )
    except ProductError as error:
        if isinstance(error, OverBudget):
            project_id, what = evaluation.project_id, "A run of an evaluation"
            telling.tell_blocked(session, project_id, what, error, actor_id=user.id)
        values["nonce"] = str(uuid.uuid4())
        wrong = boxed(error) if isinstance(error, WrongInput) else error
        view = _run_form(session, evaluation, values, _errors(wrong))
        return page(request, "evaluations/new_run.html", view, status=error.status)
    toast = f"Run {run.number} is asked for."
    return redirect(request, "evaluation_runs.show", evaluation_run_id=run.id, toast=toast)


def _errors(error: ProductError) -> dict[str, str]:
    return {one.field: one.message for one in error.errors} or {"": error.message}


def _run_form(
    session: Session,
    evaluation: Evaluation,
    values: Mapping[str, str],
    errors: Mapping[str, str],
) -> drafts.NewRunView:
    project_id = evaluation.project_id
    offered = queries_offered.offered(session, project_id)
    origins = queries.origins_of(session, project_id)
    tuned = [one for one in offered if one.kind == "tuned"]
    chat = [one for one in datasets.ready_versions(session, project_id) if one.format == "chat"]
    typed = _begun(values, tuned, origins, chat)
    origin = origins.get(typed.get("tuned", ""))
    here = connections.connections_of(session, project_id)
    names = drafts.connection_names(here)
    return drafts.NewRunView(
        project_id=project_id,
        evaluation_id=evaluation.id,
        name=evaluation.name,
        cases=evaluation.cases,
        graders=[one.grader.name for one in evaluation.graders],
        form=FormState(typed, errors),
        tuned=[(drafts.code_of(one.connection_id, one.model), one.title) for one in tuned],
        base=origin.base if origin else "",
        base_code=typed.get("base", ""),
        versions=[(str(one.id), drafts.words_of(one)) for one in chat],
        ways=drafts.WAYS,
        groups=drafts.groups_of(offered, names),
        recorded=drafts.recorded_of(queries.recordable(session, evaluation.id)),
        connections=[(one.id, one.name) for one in here],
        receipt=_receipt(session, evaluation, typed),
    )


def _begun(
    values: Mapping[str, str],
    tuned: list[queries_offered.Offered],
    origins: Mapping[str, queries.Origin],
    chat: Sequence[DatasetVersion],
) -> dict[str, str]:
    """What was typed; at first the newest tuned model beside its base, as it is and with examples
    of the rows that the model learned from.
    """
    typed = {**drafts.START, "nonce": str(uuid.uuid4()), **values}
    if not values and tuned:
        typed["tuned"] = drafts.code_of(tuned[0].connection_id, tuned[0].model)
        typed |= dict.fromkeys(drafts.USUAL, "yes")
    if origin := origins.get(typed.get("tuned", "")):
        typed["base"] = drafts.code_of(int(typed["tuned"].partition(":")[0]), origin.base)
        if chat:
            typed.setdefault("shots_version", str(origin.version_id or chat[0].id))
        elif not values:
            del typed["few_shot"]
    return typed


def _receipt(session: Session, evaluation: Evaluation, values: Mapping[str, str]) -> drafts.Receipt:
    try:
        form = run_form(values)
        cost = priced(session, evaluation, form)
    except ProductError as error:
        problems = [one.message for one in error.errors] or [error.message]
        return drafts.receipt_of(evaluation, 0, None, None, None, problems)
    standing = standing_of(session, evaluation.project_id)
    refusal = standing.refusal(cost.expected)
    return drafts.receipt_of(
        evaluation,
        len(form.contestants),
        cost,
        form.cap_usd,
        effect_of(standing, cost.expected),
        [refusal] if refusal else [],
    )


@router.post("/evaluation-runs/{evaluation_run_id}/pause", name="evaluation_runs.pause")
def pause(request: Request, session: DbSession, user: CurrentUser, run: SpendableRun) -> Response:
    service.pause_run(session, run.id, actor_id=user.id)
    toast = "Nobody is asked any more until it goes on."
    return redirect(request, "evaluation_runs.show", evaluation_run_id=run.id, toast=toast)


@router.post("/evaluation-runs/{evaluation_run_id}/resume", name="evaluation_runs.resume")
def resume(
    request: Request, session: DbSession, user: CurrentUser, run: SpendableRun, values: Values
) -> Response:
    form = validated(ResumeForm, {name: one for name, one in values.items() if one.strip()})
    service.resume_run(session, run.id, actor_id=user.id, cap=form.cap_usd)
    return redirect(request, "evaluation_runs.show", evaluation_run_id=run.id, toast="It goes on.")


@router.post("/evaluation-runs/{evaluation_run_id}/stop", name="evaluation_runs.stop")
def stop(request: Request, session: DbSession, user: CurrentUser, run: SpendableRun) -> Response:
    service.stop_run(session, run.id, actor_id=user.id)
    toast = "It has ended; what was answered stays."
    return redirect(request, "evaluation_runs.show", evaluation_run_id=run.id, toast=toast)
