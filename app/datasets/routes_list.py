"""The pages of a project's datasets as a list: sorted, filtered, and archived many at once."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth.access import CurrentUser, csrf_checked
from app.core import choosing
from app.core.choosing import Values, act_of, chosen_form, chosen_words, do_each, question
from app.core.database import DbSession
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.listing import chosen_in
from app.core.pages import asked_part, page, path_for, redirect
from app.core.views import FormState
from app.datasets import queries, report
from app.datasets.listing import ACTS, DATASETS
from app.datasets.models import Dataset
from app.projects.access import CurrentProject, EditableProject, role_here
from app.projects.queries import members_of

router = APIRouter(dependencies=[Depends(csrf_checked)])

PAGE = 25


@router.get("/projects/{project_id}/datasets", name="datasets.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    asked, part = DATASETS.read(request), asked_part(request, "rows")
    fenced = queries.ids_of_datasets(project.id)
    found = page_of(session, fenced, asked, limit=PAGE)
    people = [] if part else members_of(session, project.id)
    can_edit = role_here(request).may("edit")
    view = report.index(
        project.id,
        queries.newest_versions(session, project.id, found.ids),
        list_view(
            request,
            asked,
            found,
            place_of(session, fenced, asked, found),
            options={"by": [(str(one.user_id), one.user.name) for one in people]},
            can_choose=can_edit,
        ),
        FormState(),
        can_edit=can_edit,
        has_datasets=queries.has_datasets(session, project.id),
        told=choosing.outcome(ACTS, asked.told),
        acts=choosing.acts_here(ACTS, asked),
    )
    return page(request, "datasets/index.html", view, fragment=part)


@router.get("/projects/{project_id}/datasets/chosen", name="datasets.chosen")
def ask(request: Request, session: DbSession, project: EditableProject, do: str = "") -> Response:
    chosen, part = chosen_words(request), asked_part(request, "question")
    datasets = _datasets(session, project.id, chosen)
    if not datasets:
        return redirect(request, "datasets.index", project_id=project.id)
    view = question(
        act_of(ACTS, do),
        datasets,
        noun=DATASETS.noun,
        do_url=path_for(request, "datasets.do_chosen", project_id=project.id),
        list_url=path_for(
            request, "datasets.index", project_id=project.id, query={"chosen": chosen}
        ),
        is_part=part is not None,
    )
    return page(request, "ui/chosen.html", view, fragment=part)


@router.post("/projects/{project_id}/datasets/chosen", name="datasets.do_chosen")
def do_chosen(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: EditableProject,
    values: Values,
) -> Response:
    form = chosen_form(values)
    act, datasets = act_of(ACTS, form.do), _datasets(session, project.id, form.chosen)
    done, stayed = do_each(session, act, datasets, actor_id=user.id)
    told = choosing.told(act, done, stayed)
    return redirect(request, "datasets.index", project_id=project.id, query=told)


def _datasets(session: Session, project_id: int, chosen: str) -> list[Dataset]:
    found = queries.newest_versions(session, project_id, chosen_in(chosen))
    return [version.dataset for version in found]
