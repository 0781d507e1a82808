"""The pages about jobs."""

import csv
import io
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.budgets import queries as ledger
from app.budgets import telling
from app.budgets.lines import effect_of
from app.budgets.standing import OverBudget, standing_of
from app.catalog import queries as catalog
from app.catalog.asking import read_base_models
from app.catalog.belief import all_dates
from app.connections import queries as connections
from app.connections.access import CurrentConnection
from app.connections.models import Connection
from app.core import clock, instance, secrets
from app.core.api import MOST
from app.core.database import DbSession, read_only
from app.core.errors import Conflict, FieldError, ProductError, TooMany, WrongInput
from app.core.forms import form_values
from app.core.pages import page, path_for, redirect
from app.datasets import queries as datasets
from app.datasets.models import DatasetVersion, VersionStatus
from app.jobs import drafts, lifetimes, metrics, queries, queries_orders, service, spending, views
from app.jobs.access import CurrentJob, FormSeat, SpendableJob
from app.jobs.api import json_response, keep_watch
from app.jobs.charts import aligned
from app.jobs.forms import job_form
from app.jobs.models import WAITING, Job, JobStatus
from app.jobs.orders import check_form
from app.jobs.resources import CHART_SERIES, REWARD_SERIES, is_graded, metrics_resource
from app.jobs.retraining import Place, begun_with, source_of
from app.jobs.views_doubt import DoubtView, doubt
from app.projects.access import OrderingProject, SpendableProject, role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])
asking = APIRouter()

FEW_EVENTS = 12
FEW_LOOKS = 6
FEW_JOBS = 5
SHORT_WORDS = 4


@router.get("/connections/{connection_id}/jobs", name="jobs.of_connection")
def of_connection(request: Request, session: DbSession, connection: CurrentConnection) -> Response:
    jobs = queries.jobs_over(session, connection.id, limit=FEW_JOBS)
    view = views.over_connection(
        connection.project_id,
        jobs,
        queries_orders.open_orphans(session, connection_id=connection.id),
        may_spend=role_here(request).may("spend"),
        moment=clock.now(session),
        total=queries.count_jobs_over(session, connection.id),
        refresh_url=path_for(request, "jobs.of_connection", connection_id=connection.id),
    )
    return page(request, "jobs/of_connection.html", view)


@asking.get("/projects/{project_id}/jobs/new", name="jobs.new")
def new(request: Request, entered: OrderingProject, _seat: FormSeat) -> Response:
    project_id, values = entered.thing.id, dict(request.query_params)
    with read_only() as session:
        accounts = connections.connections_of(session, project_id)
        if (job := _began_with(session, project_id, values)) and "connection_id" not in values:
            values = begun_with(job, accounts) | values
        connection = drafts.draft(accounts, [], values, nonce="").connection
    if connection is not None:
        read_base_models(connection.id)
    with read_only() as session:
        view = _form(session, project_id, values, {})
    is_part = request.headers.get("hx-request") and not request.headers.get("hx-boosted")
    return page(request, "jobs/new.html", view, fragment="form" if is_part else None)


@router.get("/projects/{project_id}/jobs/receipt", name="jobs.receipt")
def receipt(request: Request, session: DbSession, project: SpendableProject) -> Response:
    view = _form(session, project.id, dict(request.query_params), {})
    return page(request, "jobs/new.html", drafts.ReceiptView(view.receipt), fragment="receipt")


@router.post("/projects/{project_id}/jobs", name="jobs.create")
def create(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: SpendableProject,
    values: Annotated[dict[str, str], Depends(form_values)],
) -> Response:
    # Hashed: what a form was made to send may be anything.
    key = f"form:{secrets.fingerprint(values.get('nonce') or str(uuid.uuid4()))}"
    try:
        job = service.create_job(
            session, project=project, user=user, form=job_form(values), request_key=key
        )
    except (WrongInput, Conflict, TooMany) as error:
        if isinstance(error, OverBudget):
            telling.tell_blocked(session, project.id, "A job", error, actor_id=user.id)
        errors = {item.field: item.message for item in error.errors} or {"": error.message}
        values["nonce"] = str(uuid.uuid4())
        view = _form(session, project.id, values, errors)
        is_part = request.headers.get("hx-request")
        return page(
            request,
            "jobs/new.html",
            view,
            fragment="form" if is_part else None,
            status=error.status,
        )
    return redirect(request, "jobs.show", job_id=job.id, toast=f"{job.name} is asked for.")


def _form(
    session: Session, project_id: int, values: dict[str, str], errors: dict[str, str]
) -> drafts.NewView:
    chosen = drafts.draft(
        connections.connections_of(session, project_id),
        _choices(session, project_id, values),
        values,
        nonce=str(uuid.uuid4()),
    )
    offered = _base_models(session, chosen.connection) if chosen.connection else []
    if offered and chosen.values["base_model"] not in {model.name for model in offered}:
        chosen.values["base_model"] = offered[0].name
    guess, effect, problems, warnings, about_rows = None, None, [], list[str](), list[str]()
    try:
        checked = check_form(session, project_id, job_form(chosen.values))
        guess, warnings = checked.estimate, list(checked.warnings)
        about_rows = list(checked.about_rows)
        standing, amount = standing_of(session, project_id), spending.amount_of(asdict(guess))
        effect = effect_of(standing, amount)
        problems = list(filter(None, [standing.refusal(amount)]))
    except ProductError as error:
        problems = [_said(item) for item in error.errors] or [error.message]
    speed = None
    if chosen.connection:
        speed = queries.speed_of(session, chosen.connection.id, chosen.values["base_model"])
    words = chosen.connection.words if chosen.connection and not offered else None
    job = _began_with(session, project_id, values)
    return drafts.new_job(
        project_id,
        chosen,
        offered,
        receipt=drafts.receipt(
            chosen,
            guess,
            effect,
            speed=speed,
            problems=problems,
            warnings=warnings,
            about_rows=about_rows,
        ),
        errors=errors,
        base_models_error=words,
        source=source_of(job, _place(chosen, offered)) if job else None,
    )


def _began_with(session: Session, project_id: int, values: dict[str, str]) -> Job | None:
    """The job whose settings the form took, if it is one of the project's."""
    number = values.get("from", "")
    is_id = number.isascii() and number.isdigit()
    job = queries.job_by_id(session, int(number[:15])) if is_id else None
    return job if job is not None and job.project_id == project_id else None


def _place(chosen: drafts.Draft, offered: list[drafts.BaseModelChoice]) -> Place | None:
    if chosen.connection is None:
        return None
    names = [model.name for model in offered]
    method, base_model = chosen.values["method"], chosen.values["base_model"]
    return Place(chosen.connection, method, base_model, names)


def _base_models(session: Session, connection: Connection) -> list[drafts.BaseModelChoice]:
    """What the connection offers, and when that stops."""
    offered = catalog.base_models_of(session, connection.id)
    dates = all_dates(session, {connection.id})
    said = {model.name: dates.of_base(connection, model.name) for model in offered}
    return [
        drafts.BaseModelChoice(name, found[0].day if found else None)
        for name, found in said.items()
    ]


def _choices(session: Session, project_id: int, values: dict[str, str]) -> list[DatasetVersion]:
    """The ready versions to choose from, and the one that was asked for however old it is."""
    choices = list(datasets.ready_versions(session, project_id))
    asked = values.get("training_version_id", "")
    if asked.isascii() and asked.isdigit() and all(str(one.id) != asked for one in choices):
        older = datasets.version_in(session, project_id, int(asked[:15]))
        if older is not None and older.status == VersionStatus.READY:
            choices.append(older)
    return choices


def _said(wrong: FieldError) -> str:
    """A field's refusal that can stand alone."""
    is_whole = wrong.message[0].isupper() and wrong.message.count(" ") > SHORT_WORDS
    name = wrong.field.removeprefix("hyperparameters.").removesuffix("_id").replace("_", " ")
    return wrong.message if is_whole else f"{name}: {wrong.message}"


@router.get("/jobs/{job_id}", name="jobs.show")
def show(request: Request, session: DbSession, job: CurrentJob, events: str = "") -> Response:
    total = queries.count_events(session, job.id)
    view = views.show(
        job,
        _facts(request, session, job),
        events=queries.events_of(session, job.id, limit=MOST if events == "all" else FEW_EVENTS),
        events_total=total,
        events_url=_all_events(request, job.id, total, events),
        events_shown=events,
        checkpoints=queries.checkpoints_of(session, job.id),
        stops=lifetimes.base_days(session, [job]).get((job.connection_id, job.base_model)),
        spend=ledger.spend_of(session, spending.key_of(job.id)),
    )
    return page(request, "jobs/show.html", view)


@router.get("/jobs/{job_id}/progress", name="jobs.progress")
def progress(request: Request, session: DbSession, job: CurrentJob) -> Response:
    keep_watch(session, job)
    view = views.progress(job, _facts(request, session, job))
    return page(request, "jobs/show.html", view, fragment="progress")


def _facts(request: Request, session: Session, job: Job) -> views.Facts:
    return views.Facts(
        moment=clock.now(session),
        model_id=catalog.model_id_of_job(session, job.id),
        is_order_out=job.status in WAITING and queries.open_attempt(session, job.id) is not None,
        may_spend=role_here(request).may("spend"),
        doubt=_doubt(request, session, job),
        is_held=job.status in WAITING and instance.held(session) is not None,
    )


def _doubt(request: Request, session: Session, job: Job) -> DoubtView | None:
    """What is known of an order without an answer."""
    is_searched = job.status in {*WAITING, JobStatus.IN_DOUBT}
    if not is_searched or not queries_orders.unproved_attempts(session, job.id):
        return None
    return doubt(
        job,
        queries_orders.attempts_of(session, job.id),
        queries_orders.looks_of(session, job.id, limit=FEW_LOOKS),
        looks_total=queries_orders.count_looks(session, job.id),
        may_spend=role_here(request).may("spend"),
    )


@router.get("/jobs/{job_id}/log", name="jobs.events")
def events(request: Request, session: DbSession, job: CurrentJob, events: str = "") -> Response:
    total = queries.count_events(session, job.id)
    lines = queries.events_of(session, job.id, limit=MOST if events == "all" else FEW_EVENTS)
    view = views.EventsView(
        job.id,
        job.has_ended,
        views.event_lines(job, lines),
        total,
        _all_events(request, job.id, total, events),
        events_shown=events,
    )
    return page(request, "jobs/show.html", view, fragment="events")


@router.get("/jobs/{job_id}/metrics", name="jobs.metrics")
def series(
    session: DbSession, job: CurrentJob, after_step: Annotated[int, Query(ge=-1, le=2**53)] = -1
) -> Response:
    found = (
        metrics.read_overview(session, job.id)
        if after_step < 0
        else metrics.read_after(session, job.id, after_step)
    )
    epochs = (job.resolved or {}).get("n_epochs")
    return json_response(
        {
            **metrics_resource(found, _drawn(job), after_step),
            "steps_planned": job.total_steps,
            "steps_per_epoch": job.total_steps / epochs
            if job.total_steps and isinstance(epochs, int)
            else None,
            "is_final": job.has_ended,
        }
    )


@router.get("/jobs/{job_id}/metrics.csv", name="jobs.metrics_csv")
def series_csv(job: CurrentJob) -> Response:
    return StreamingResponse(
        _csv(job.id, _drawn(job)),
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="job-{job.id}-metrics.csv"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )


def _drawn(job: Job) -> tuple[str, ...]:
    return REWARD_SERIES if is_graded(job) else CHART_SERIES


def _csv(job_id: int, names: tuple[str, ...]) -> Iterator[str]:
    """Every point, a stretch at a time: no session stays open while the reader is slow."""
    yield ",".join(("step", *names)) + "\r\n"
    after_step = -1
    while True:
        with read_only() as session:
            found = metrics.read_after(session, job_id, after_step)
        table = aligned(found, names)
        if not table["step"]:
            return
        after_step = table["step"][-1]
        lines = io.StringIO()
        rows = zip(*table.values(), strict=True)
        csv.writer(lines).writerows(
            ["" if value is None else value for value in row] for row in rows
        )
        yield lines.getvalue()


@router.post("/jobs/{job_id}/cancel", name="jobs.cancel")
def cancel(request: Request, session: DbSession, user: CurrentUser, job: SpendableJob) -> Response:
    service.cancel_job(session, job, actor_id=user.id)
    return redirect(request, "jobs.show", job_id=job.id, toast="It is asked to stop.")


@router.post("/jobs/{job_id}/retry", name="jobs.retry")
def retry(request: Request, session: DbSession, user: CurrentUser, job: SpendableJob) -> Response:
    service.retry_start(session, job, actor_id=user.id)
    return redirect(request, "jobs.show", job_id=job.id, toast="It is tried again.")


def _all_events(request: Request, job_id: int, total: int, shown: str) -> str | None:
    if shown == "all" or total <= FEW_EVENTS:
        return None
    return path_for(request, "jobs.show", job_id=job_id, query={"events": "all"})
