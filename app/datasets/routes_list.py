"""The pages of a project's datasets as a list: sorted, filtered, and archived many at once."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.core.database import DbSession
from app.core.list_views import Choices
from app.core.pages import page
from app.core.views import FormState
from app.datasets import queries, report
from app.datasets.listing import ACTS, DATASETS
from app.datasets.models import Dataset
from app.projects.access import CurrentProject, editable_project, role_here
from app.projects.lists import ProjectList, add_chosen, shown
from app.projects.queries import members_of

router = APIRouter(dependencies=[Depends(csrf_checked)])


def _options(session: Session, project_id: int) -> dict[str, Choices]:
    return {"by": [(str(one.user_id), one.user.name) for one in members_of(session, project_id)]}


def _datasets(session: Session, project_id: int, ids: Sequence[int]) -> list[Dataset]:
    return [version.dataset for version in queries.newest_versions(session, project_id, ids)]


LIST = ProjectList(
    "datasets",
    DATASETS,
    ACTS,
    may=editable_project,
    ids=queries.ids_of_datasets,
    things=_datasets,
    options=_options,
)


@router.get("/projects/{project_id}/datasets", name="datasets.index")
def index(
    request: Request, session: DbSession, user: CurrentUser, project: CurrentProject
) -> Response:
    can_edit = role_here(request).may("edit")
    here = shown(request, session, project, LIST, can_choose=can_edit)
    view = report.index(
        project.id,
        queries.newest_versions(session, project.id, here.ids),
        here.list,
        FormState(),
        can_edit=can_edit,
        has_datasets=queries.has_datasets(session, project.id),
        told=here.told,
        acts=here.acts,
        unfinished=report.unfinished(
            queries.open_uploads_by(session, user.id, project.id, None) if can_edit else ()
        ),
    )
    return page(request, "datasets/index.html", view, fragment=here.part)


add_chosen(router, LIST)
