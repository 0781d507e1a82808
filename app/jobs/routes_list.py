"""The pages of a project's jobs as a list: sorted, filtered, and done something to many at once."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.catalog import queries as catalog
from app.connections import queries as connections
from app.core import choosing, clock
from app.core.choosing import Values, act_of, chosen_form, chosen_words, do_each, question
from app.core.database import DbSession
from app.core.keyset import page_of, place_of
from app.core.list_views import Choices, list_view
from app.core.listing import chosen_in
from app.core.pages import asked_part, page, path_for, redirect
from app.datasets import queries as datasets
from app.jobs import queries, views
from app.jobs.listing import ACTS, JOBS
from app.jobs.models import Job
from app.projects import queries as projects
from app.projects.access import CurrentProject, SpendableProject, role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])

PAGE = 25


@router.get("/projects/{project_id}/jobs", name="jobs.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    asked, part = JOBS.read(request), asked_part(request, "rows")
    fenced = queries.ids_of_jobs(project.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    jobs = queries.jobs_by_ids(session, project.id, found.ids)
    can_spend = role_here(request).may("spend")
    view = views.index(
        project.id,
        jobs,
        list_view(
            request,
            asked,
            found,
            place_of(session, fenced, asked, found),
            options={} if part else _options(session, project.id),
            can_choose=can_spend,
        ),
        moment=clock.now(session),
        stops=catalog.shutdown_dates(session, {job.connection_id for job in jobs}),
        can_edit=can_spend,
        has_jobs=bool(jobs) or queries.has_jobs(session, project.id),
        has_ready_version=bool(datasets.ready_versions(session, project.id, limit=1)),
        told=choosing.outcome(ACTS, asked.told),
        acts=choosing.acts_here(ACTS, asked),
    )
    return page(request, "jobs/index.html", view, fragment=part)


def _options(session: Session, project_id: int) -> dict[str, Choices]:
    """The choices of the filters that the project itself makes."""
    return {
        "base_model": [(name, name) for name in queries.base_models_used(session, project_id)],
        "connection": [
            (str(one.id), one.name) for one in connections.connections_of(session, project_id)
        ],
        "dataset": [(str(one), name) for one, name in datasets.dataset_names(session, project_id)],
        "by": [
            (str(one.user_id), one.user.name) for one in projects.members_of(session, project_id)
        ],
    }


@router.get("/projects/{project_id}/jobs/chosen", name="jobs.chosen")
def ask(request: Request, session: DbSession, project: SpendableProject, do: str = "") -> Response:
    chosen = chosen_words(request)
    jobs = _jobs(session, project.id, chosen)
    if not jobs:
        return redirect(request, "jobs.index", project_id=project.id)
    view = question(
        act_of(ACTS, do),
        jobs,
        noun=JOBS.noun,
        do_url=path_for(request, "jobs.do_chosen", project_id=project.id),
        list_url=path_for(request, "jobs.index", project_id=project.id, query={"chosen": chosen}),
        is_part=asked_part(request, "question") is not None,
    )
    return page(request, "ui/chosen.html", view, fragment=asked_part(request, "question"))


@router.post("/projects/{project_id}/jobs/chosen", name="jobs.do_chosen")
def do_chosen(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: SpendableProject,
    values: Values,
) -> Response:
    form = chosen_form(values)
    act, jobs = act_of(ACTS, form.do), _jobs(session, project.id, form.chosen)
    # Connection by connection, as sweeps lock them: two orders of locking are a deadlock.
    ordered = sorted(jobs, key=lambda job: (job.connection_id, job.id))
    done, stayed = do_each(session, act, ordered, actor_id=user.id)
    told = choosing.told(act, done, stayed)
    return redirect(request, "jobs.index", project_id=project.id, query=told)


def _jobs(session: Session, project_id: int, chosen: str) -> list[Job]:
    return list(queries.jobs_by_ids(session, project_id, chosen_in(chosen)))
