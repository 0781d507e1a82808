"""The pages about connections: which there are, and one with its form and its test."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.connections import queries, service, views
from app.connections.access import (
    ConnectionToTest,
    CurrentConnection,
    ManagedConnection,
    TestSeat,
)
from app.connections.asking import test_connection
from app.connections.forms import AdminKeyForm, ConnectionEdit, ConnectionForm
from app.core.database import DbSession
from app.core.errors import Conflict, TooMany, WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import page, redirect
from app.core.views import FormState
from app.projects.access import CurrentProject, ManagedProject, role_here

router = APIRouter(dependencies=[Depends(csrf_checked)])
asking = APIRouter()


@router.get("/projects/{project_id}/connections", name="connections.index")
def index(request: Request, session: DbSession, project: CurrentProject) -> Response:
    connections = queries.connections_of(session, project.id)
    can_manage = role_here(request).may("manage")
    view = views.index(project.id, connections, FormState(), can_manage=can_manage)
    fragment = "accounts" if request.headers.get("hx-request") else None
    return page(request, "connections/index.html", view, fragment=fragment)


@router.post("/projects/{project_id}/connections", name="connections.create")
def create(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    submission: Annotated[Submission[ConnectionForm], Depends(submitted(ConnectionForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            made = service.create_connection(
                session,
                project_id=project.id,
                actor_id=user.id,
                name=form.name,
                kind=form.kind,
                base_url=form.base_url,
                api_key=form.api_key.get_secret_value(),
            )
            said = f"{made.name} is added."
            return redirect(request, "connections.show", connection_id=made.id, toast=said)
    except WrongInput as error:
        submission = submission.refused(error)
    view = views.index(
        project.id,
        queries.connections_of(session, project.id),
        without_key(submission),
        can_manage=True,
    )
    return page(request, "connections/index.html", view, status=422)


@router.get("/connections/{connection_id}", name="connections.show")
def show(request: Request, connection: CurrentConnection) -> Response:
    view = views.show(connection, can_manage=role_here(request).may("manage"))
    fragment = "standing" if request.headers.get("hx-request") else None
    return page(request, "connections/show.html", view, fragment=fragment)


@router.get("/connections/{connection_id}/offers", name="connections.offers")
def offers(request: Request, connection: CurrentConnection) -> Response:
    view = views.show(connection, can_manage=False)
    return page(request, "connections/show.html", view, fragment="offers")


@router.post("/connections/{connection_id}", name="connections.change")
def change(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    connection: ManagedConnection,
    submission: Annotated[Submission[ConnectionEdit], Depends(submitted(ConnectionEdit))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            service.change_connection(
                session,
                connection,
                actor_id=user.id,
                name=form.name,
                base_url=form.base_url,
                api_key=form.api_key.get_secret_value() if form.api_key else None,
            )
            said = "Saved."
            return redirect(request, "connections.show", connection_id=connection.id, toast=said)
    except WrongInput as error:
        submission = submission.refused(error)
    view = views.show(connection, can_manage=True, form=without_key(submission))
    return page(request, "connections/show.html", view, status=422)


@router.post("/connections/{connection_id}/admin-key", name="connections.change_admin")
def change_admin(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    connection: ManagedConnection,
    submission: Annotated[Submission[AdminKeyForm], Depends(submitted(AdminKeyForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            admin_key = form.admin_key.get_secret_value()
            service.change_connection(session, connection, actor_id=user.id, admin_key=admin_key)
            said = "The admin key is sealed."
            return redirect(request, "connections.show", connection_id=connection.id, toast=said)
    except WrongInput as error:
        submission = submission.refused(error)
    view = views.show(
        connection, can_manage=True, form=views.form_of(connection, submission.errors)
    )
    return page(request, "connections/show.html", view, status=422)


@router.post("/connections/{connection_id}/admin-key/forget", name="connections.forget_admin")
def forget_admin(
    request: Request, session: DbSession, user: CurrentUser, connection: ManagedConnection
) -> Response:
    service.remove_admin_key(session, connection, actor_id=user.id)
    said = "The admin key is forgotten."
    return redirect(request, "connections.show", connection_id=connection.id, toast=said)


@router.post("/connections/{connection_id}/delete", name="connections.delete")
def delete(
    request: Request, session: DbSession, user: CurrentUser, connection: ManagedConnection
) -> Response:
    try:
        service.delete_connection(session, connection, actor_id=user.id)
    except Conflict as error:
        view = views.show(connection, can_manage=True, refused=error.message)
        return page(request, "connections/show.html", view, status=error.status)
    said = f"{connection.name} is removed."
    return redirect(request, "connections.index", project_id=connection.project_id, toast=said)


@asking.post("/connections/{connection_id}/test", name="connections.test")
def test(request: Request, entered: ConnectionToTest, _seat: TestSeat) -> Response:
    connection = entered.thing
    try:
        test_connection(connection, user_id=entered.user.id)
    except TooMany as error:
        view = views.show(connection, can_manage=True, refused=error.message)
        return page(
            request, "connections/show.html", view, status=error.status, headers=error.headers
        )
    said = f"{connection.name} was asked just now."
    return redirect(request, "connections.show", connection_id=connection.id, toast=said)


def without_key(typed: FormState) -> FormState:
    """What was typed, as it may be shown again: a key is typed anew."""
    return FormState({**typed.values, "api_key": ""}, typed.errors)
