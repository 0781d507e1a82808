"""The pages of rescues: which there were, how one stands, and what a person decides about it."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.connections import queries as connections
from app.connections.access import CurrentConnection
from app.core import clock
from app.core.database import DbSession
from app.core.errors import Conflict, WrongInput
from app.core.forms import form_values
from app.core.pages import asked_part, page, path_for, redirect
from app.core.views import FormState
from app.projects.access import CurrentProject, EditableProject, role_here
from app.rescue import service
from app.rescue.access import CurrentRescue, EditableRescue
from app.rescue.pages.beginning import chosen_connections, history, index
from app.rescue.pages.overview import overview
from app.rescue.pages.risks import risks_of

router = APIRouter(dependencies=[Depends(csrf_checked)])


@router.get("/projects/{project_id}/rescue", name="rescues.index")
def show_index(
    request: Request, session: DbSession, project: CurrentProject, connection: str = ""
) -> Response:
    form = FormState({f"connection-{connection}": "yes"} if connection else {})
    view = index(session, project.id, form, role=role_here(request))
    return page(request, "rescue/index.html", view, fragment=asked_part(request, "earlier"))


@router.post("/projects/{project_id}/rescue", name="rescues.begin")
def begin(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: EditableProject,
    values: Annotated[dict[str, str], Depends(form_values)],
) -> Response:
    try:
        rescue = service.begin(
            session,
            project_id=project.id,
            actor_id=user.id,
            connections=chosen_connections(connections.connections_of(session, project.id), values),
            with_completions=values.get("completions") == "yes",
            is_asked_for=False,
        )
    except (WrongInput, Conflict) as error:
        errors = {item.field: item.message for item in error.errors}
        form = FormState(values, {"": " ".join(errors.values()) or error.message})
        view = index(session, project.id, form, role=role_here(request))
        return page(request, "rescue/index.html", view, status=error.status)
    return redirect(request, "rescues.show", rescue_id=rescue.id)


@router.get("/connections/{connection_id}/rescue", name="rescues.of_connection")
def of_connection(request: Request, session: DbSession, connection: CurrentConnection) -> Response:
    view = history(
        session,
        connection,
        can_edit=role_here(request).may("edit"),
        refresh_url=path_for(request, "rescues.of_connection", connection_id=connection.id),
    )
    return page(request, "rescue/of_connection.html", view)


@router.get("/rescues/{rescue_id}", name="rescues.show")
def show(request: Request, session: DbSession, rescue: CurrentRescue) -> Response:
    moment = clock.now(session)
    over = [part.connection for part in rescue.parts]
    view = overview(
        session,
        rescue,
        partial(path_for, request),
        moment=moment,
        risks=risks_of(session, rescue.project_id, over, moment.date()),
        can_edit=role_here(request).may("edit"),
    )
    return page(request, "rescue/show.html", view, fragment=asked_part(request, "progress"))


def _add_deed(key: str, does: Callable[..., None], toast: str) -> None:
    @router.post(f"/rescues/{{rescue_id}}/{key}", name=f"rescues.{key}")
    def do(
        request: Request, session: DbSession, user: CurrentUser, rescue: EditableRescue
    ) -> Response:
        does(session, rescue, actor_id=user.id)
        return redirect(request, "rescues.show", rescue_id=rescue.id, toast=toast)


_add_deed("go", service.go, "It is brought home.")
_add_deed("pause", service.pause, "Paused. What is under way is finished first.")
_add_deed("resume", service.resume, "It goes on.")
_add_deed("ask_again", service.ask_again, "It is looked at again.")
_add_deed("verify", service.verify, "Every byte is read again.")
