"""The pages of a project's tuned models as a list: sorted, filtered, and archived many at once."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import csrf_checked
from app.catalog import queries, views
from app.catalog.listing import ACTS, MODELS
from app.connections.queries import connection_names
from app.core.database import DbSession
from app.core.list_views import Choices
from app.core.pages import page
from app.datasets.queries import dataset_names
from app.projects.access import CurrentProject, editable_project, role_here
from app.projects.lists import ProjectList, add_chosen, shown
from app.projects.queries import members_of

router = APIRouter(dependencies=[Depends(csrf_checked)])


def _options(session: Session, project_id: int) -> dict[str, Choices]:
    return {
        "base_model": [(name, name) for name in queries.base_models_tuned(session, project_id)],
        "connection": [(str(one), name) for one, name in connection_names(session, project_id)],
        "dataset": [(str(one), name) for one, name in dataset_names(session, project_id)],
        "by": [(str(one.user_id), one.user.name) for one in members_of(session, project_id)],
    }


LIST = ProjectList(
    "models",
    MODELS,
    ACTS,
    may=editable_project,
    ids=queries.ids_of_models,
    things=queries.models_by_ids,
    options=_options,
)


@router.get("/projects/{project_id}/models", name="models.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    here = shown(request, session, project, LIST, can_choose=role_here(request).may("edit"))
    view = views.index(
        project.id,
        queries.models_by_ids(session, project.id, here.ids),
        here.list,
        has_models=queries.has_models(session, project.id),
        told=here.told,
        acts=here.acts,
    )
    return page(request, "catalog/models.html", view, fragment=here.part)


add_chosen(router, LIST)
