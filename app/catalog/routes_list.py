"""The pages of a project's tuned models as a list: sorted, filtered, and archived many at once."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.catalog import queries, views
from app.catalog.listing import ACTS, MODELS
from app.connections.queries import connections_of
from app.core import choosing
from app.core.choosing import Values, act_of, chosen_form, chosen_words, do_each, question
from app.core.database import DbSession
from app.core.keyset import page_of, place_of
from app.core.list_views import Choices, list_view
from app.core.listing import chosen_in
from app.core.pages import asked_part, page, path_for, redirect
from app.datasets.queries import dataset_names
from app.projects.access import CurrentProject, EditableProject, role_here
from app.projects.queries import members_of

router = APIRouter(dependencies=[Depends(csrf_checked)])

PAGE = 25


@router.get("/projects/{project_id}/models", name="models.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    asked, part = MODELS.read(request), asked_part(request, "rows")
    fenced = queries.ids_of_models(project.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    view = views.index(
        project.id,
        queries.models_by_ids(session, project.id, found.ids),
        list_view(
            request,
            asked,
            found,
            place_of(session, fenced, asked, found),
            options={} if part else _options(session, project.id),
            can_choose=role_here(request).may("edit"),
        ),
        has_models=queries.has_models(session, project.id),
        told=choosing.outcome(ACTS, asked.told),
        acts=choosing.acts_here(ACTS, asked),
    )
    return page(request, "catalog/models.html", view, fragment=part)


def _options(session: Session, project_id: int) -> dict[str, Choices]:
    """The choices of the filters that the project itself makes."""
    return {
        "base_model": [(name, name) for name in queries.base_models_tuned(session, project_id)],
        "connection": [(str(one.id), one.name) for one in connections_of(session, project_id)],
        "dataset": [(str(one), name) for one, name in dataset_names(session, project_id)],
        "by": [(str(one.user_id), one.user.name) for one in members_of(session, project_id)],
    }


@router.get("/projects/{project_id}/models/chosen", name="models.chosen")
def ask(request: Request, session: DbSession, project: EditableProject, do: str = "") -> Response:
    chosen, part = chosen_words(request), asked_part(request, "question")
    models = queries.models_by_ids(session, project.id, chosen_in(chosen))
    if not models:
        return redirect(request, "models.index", project_id=project.id)
    view = question(
        act_of(ACTS, do),
        models,
        noun=MODELS.noun,
        do_url=path_for(request, "models.do_chosen", project_id=project.id),
        list_url=path_for(request, "models.index", project_id=project.id, query={"chosen": chosen}),
        is_part=part is not None,
    )
    return page(request, "ui/chosen.html", view, fragment=part)


@router.post("/projects/{project_id}/models/chosen", name="models.do_chosen")
def do_chosen(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: EditableProject,
    values: Values,
) -> Response:
    form = chosen_form(values)
    act = act_of(ACTS, form.do)
    models = queries.models_by_ids(session, project.id, chosen_in(form.chosen))
    done, stayed = do_each(session, act, models, actor_id=user.id)
    told = choosing.told(act, done, stayed)
    return redirect(request, "models.index", project_id=project.id, query=told)
