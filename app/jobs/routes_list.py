"""The pages of a project's jobs as a list: sorted, filtered, and done something to many at once."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import csrf_checked
from app.budgets.lines import line_of
from app.connections import queries as connections
from app.core import clock
from app.core.database import DbSession
from app.core.list_views import Choices
from app.core.pages import page
from app.datasets import queries as datasets
from app.jobs import lifetimes, queries, views
from app.jobs.listing import ACTS, JOBS
from app.projects import queries as projects
from app.projects.access import CurrentProject, role_here, spendable_project
from app.projects.lists import ProjectList, add_chosen, shown

router = APIRouter(dependencies=[Depends(csrf_checked)])


def _options(session: Session, project_id: int) -> dict[str, Choices]:
    return {
        "base_model": [(name, name) for name in queries.base_models_used(session, project_id)],
        "connection": [
            (str(one), name) for one, name in connections.connection_names(session, project_id)
        ],
        "dataset": [(str(one), name) for one, name in datasets.dataset_names(session, project_id)],
        "by": [
            (str(one.user_id), one.user.name) for one in projects.members_of(session, project_id)
        ],
    }


LIST = ProjectList(
    "jobs",
    JOBS,
    ACTS,
    may=spendable_project,
    ids=queries.ids_of_jobs,
    things=queries.jobs_by_ids,
    options=_options,
    # Connection by connection, as sweeps lock them: two orders of locking are a deadlock.
    turn=lambda job: (job.connection_id, job.id),
)


@router.get("/projects/{project_id}/jobs", name="jobs.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    can_spend = role_here(request).may("spend")
    here = shown(request, session, project, LIST, can_choose=can_spend)
    jobs = queries.listed_jobs(session, project.id, here.ids)
    has_jobs = bool(jobs) or queries.has_jobs(session, project.id)
    moment = clock.now(session)
    view = views.index(
        project.id,
        jobs,
        here.list,
        moment=moment,
        stops=lifetimes.base_days(session, jobs),
        can_edit=can_spend,
        has_jobs=has_jobs,
        has_ready_version=has_jobs or bool(datasets.ready_versions(session, project.id, limit=1)),
        told=here.told,
        acts=here.acts,
        budget=None if here.part else line_of(session, project.id, moment),
    )
    return page(request, "jobs/index.html", view, fragment=here.part)


add_chosen(router, LIST)
