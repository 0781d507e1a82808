"""Jobs as JSON."""

import uuid
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser
from app.budgets import telling
from app.budgets.standing import OverBudget
from app.catalog import queries as catalog
from app.core import clock
from app.core.api import After, Limit, Listing, keyed, listing
from app.core.database import DbSession, unit_of_work
from app.core.keyset import page_of
from app.core.problems import problem
from app.jobs import metrics, queries, service
from app.jobs.access import CurrentJob, EditableJob, SpendableJob
from app.jobs.forms import JobForm
from app.jobs.lifetimes import outlook_of
from app.jobs.listing import JOBS
from app.jobs.models import Job
from app.jobs.resources import (
    API_SERIES,
    REWARD_SERIES,
    EventResource,
    JobResource,
    StartedResource,
    event_resource,
    is_graded,
    job_resource,
    metrics_resource,
)
from app.projects.access import CurrentProject, SpendableProject

router = APIRouter(prefix="/api/v1", tags=["jobs"])


@router.post(
    "/projects/{project_id}/jobs",
    name="api.jobs.create",
    status_code=201,
    response_model=StartedResource,
)
def create(
    session: DbSession,
    user: CurrentUser,
    project: SpendableProject,
    body: JobForm,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Start a fine-tuning job. With an `Idempotency-Key` it starts once, however often it is sent:
    the repeat gets the first answer, the same key with other content 409. So does a job that could
    not end before its base model stops, or whose platform takes no more: `stop` has the day and its
    source. So does one that the project's budget has no room for: `budget` has the numbers.
    """
    key = f"api:{idempotency_key}" if idempotency_key else f"once:{uuid.uuid4()}"
    try:
        job = service.create_job(session, project=project, user=user, form=body, request_key=key)
    except OverBudget as error:
        # Answered, not raised: the job is undone, and that people are told of it is not.
        telling.tell_blocked(session, project.id, "A job", error, actor_id=user.id)
        return problem(error)
    if job.first_answer is None:
        warnings = list(outlook_of(session, job, job.connection).warnings)
        made = {**jsonable_encoder(job_resource(job)), "warnings": warnings}
        job.first_answer = bytes(JSONResponse(made).body).decode()
    return Response(job.first_answer, 201, media_type="application/json")


@router.get("/projects/{project_id}/jobs", name="api.jobs.index", openapi_extra=JOBS.openapi)
def index(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[JobResource]:
    """A project's jobs, the newest first unless asked otherwise."""
    found = page_of(session, queries.ids_of_jobs(project.id), JOBS.read(request), limit=limit)
    rows = queries.jobs_by_ids(session, project.id, found.ids)
    made = catalog.model_ids_of_jobs(session, found.ids)
    return keyed(found, [job_resource(job, made.get(job.id)) for job in rows])


@router.get("/jobs/{job_id}", name="api.jobs.show")
def show(session: DbSession, job: CurrentJob) -> JobResource:
    """One job. Asking for it makes Luthier look at its run more often for a while."""
    keep_watch(session, job)
    return job_resource(job, catalog.model_id_of_job(session, job.id))


@router.get("/jobs/{job_id}/events", name="api.jobs.events")
def events(
    session: DbSession, job: CurrentJob, after: After = None, limit: Limit = 50
) -> Listing[EventResource]:
    """A job's log, the newest line first."""
    return listing(
        queries.events_of(session, job.id, after=after, limit=limit + 1), limit, event_resource
    )


@router.get("/jobs/{job_id}/metrics", name="api.jobs.metrics", response_model=dict[str, Any])
def series(
    session: DbSession, job: CurrentJob, after_step: Annotated[int, Query(ge=-1, le=2**53)] = -1
) -> Response:
    """The points behind `after_step`, side by side with null where there is none; rewards of a run
    that learns from a grader, losses of all others. At most 32,768 points a series come at once:
    ask again with `last_step` until `step` is empty.
    """
    keep_watch(session, job)
    found = metrics.read_after(session, job.id, after_step)
    names = REWARD_SERIES if is_graded(job) else API_SERIES
    return json_response(metrics_resource(found, names, after_step))


@router.post("/jobs/{job_id}/cancel", name="api.jobs.cancel")
def cancel(session: DbSession, user: CurrentUser, job: SpendableJob) -> JobResource:
    """Stop a job. It ends as soon as the provider has stopped it; 409 when it has ended already."""
    service.cancel_job(session, job, actor_id=user.id)
    return job_resource(job)


@router.post("/jobs/{job_id}/archive", name="api.jobs.archive")
def archive(session: DbSession, user: CurrentUser, job: EditableJob) -> JobResource:
    """Put an ended job out of the list; everything of it stays. 409 while it has not ended."""
    service.archive_job(session, job, actor_id=user.id)
    return job_resource(job, catalog.model_id_of_job(session, job.id))


@router.post("/jobs/{job_id}/unarchive", name="api.jobs.unarchive")
def unarchive(session: DbSession, user: CurrentUser, job: EditableJob) -> JobResource:
    """Bring an archived job back into the list."""
    service.unarchive_job(session, job, actor_id=user.id)
    return job_resource(job, catalog.model_id_of_job(session, job.id))


def keep_watch(session: Session, job: Job) -> None:
    """Somebody looks: renew the watch when it runs out. Most readings write nothing."""
    if service.is_watch_due(job, clock.now(session)):
        with unit_of_work() as writer:
            service.mark_watched(writer, job.id)


def json_response(content: dict[str, Any]) -> Response:
    """Long number lists as JSON, several times faster than the standard way."""
    return Response(msgspec.json.encode(content), media_type="application/json")
