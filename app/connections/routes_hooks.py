"""Where providers deliver their webhooks, and the pages on which they are set up."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.connections import hook_asking, hook_setup, hook_views
from app.connections.access import (
    ConnectionToTest,
    CurrentConnection,
    ManagedConnection,
    TestSeat,
)
from app.connections.forms import HookRemoval, HookSecretForm
from app.connections.hooks import receive as received
from app.connections.models import Connection
from app.core.database import DbSession, read_only
from app.core.errors import ProductError, TooSlow, WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import asked_part, page, path_for, redirect
from app.projects.access import role_here

# Providers have no account here; the signature is the proof.
receiving = APIRouter()
router = APIRouter(dependencies=[Depends(csrf_checked)])
asking = APIRouter()
READ_SECONDS = 10


async def whole_body(request: Request) -> bytes:
    """The bytes as they came, read before a thread or a session is held; the guards stop what grows
    past the limit. Raises TooSlow.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.body()
    except TimeoutError as error:
        raise TooSlow("The delivery did not arrive in time.") from error


@receiving.post("/hooks/{token}", name="hooks.receive")
def receive(request: Request, token: str, body: Annotated[bytes, Depends(whole_body)]) -> Response:
    return Response(status_code=received(token, request.headers.raw, body))


@router.get("/connections/{connection_id}/webhook", name="hooks.show")
def show(request: Request, session: DbSession, connection: ManagedConnection) -> Response:
    view = hook_views.whole(session, connection)
    return page(request, "connections/webhook.html", view, fragment=asked_part(request, "standing"))


@router.get("/connections/{connection_id}/webhook/deliveries", name="hooks.deliveries")
def deliveries(request: Request, session: DbSession, connection: ManagedConnection) -> Response:
    view = hook_views.whole(session, connection)
    return page(request, "connections/webhook.html", view, fragment="arrived")


@router.get("/connections/{connection_id}/webhook/short", name="hooks.of_connection")
def of_connection(request: Request, session: DbSession, connection: CurrentConnection) -> Response:
    view = hook_views.part(
        session,
        connection,
        can_manage=role_here(request).may("manage"),
        refresh_url=path_for(request, "hooks.of_connection", connection_id=connection.id),
    )
    return page(request, "connections/webhook_part.html", view)


@router.post("/connections/{connection_id}/webhook/by-hand", name="hooks.begin")
def begin(
    request: Request, session: DbSession, user: CurrentUser, connection: ManagedConnection
) -> Response:
    try:
        hook_setup.begin(session, connection, actor_id=user.id)
    except ProductError as error:
        return _refused(request, connection, error)
    return _done(request, connection, "The address is made.")


@router.post("/connections/{connection_id}/webhook/secret", name="hooks.keep_secret")
def keep_secret(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    connection: ManagedConnection,
    submission: Annotated[Submission[HookSecretForm], Depends(submitted(HookSecretForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            secret = form.secret.get_secret_value()
            hook_setup.keep_by_hand(session, connection, secret, actor_id=user.id)
            return _done(request, connection, "The signing secret is sealed.")
    except WrongInput as error:
        submission = submission.refused(error)
    except ProductError as error:
        return _refused(request, connection, error)
    view = hook_views.whole(session, connection, form=submission)
    return page(request, "connections/webhook.html", view, status=422)


@asking.post("/connections/{connection_id}/webhook", name="hooks.set_up")
def set_up(request: Request, entered: ConnectionToTest, _seat: TestSeat) -> Response:
    try:
        hook_asking.set_up(entered.thing, user_id=entered.user.id)
    except ProductError as error:
        return _refused(request, entered.thing, error)
    return _done(request, entered.thing, "The webhook is set up.")


@asking.post("/connections/{connection_id}/webhook/rotate", name="hooks.rotate")
def rotate(request: Request, entered: ConnectionToTest, _seat: TestSeat) -> Response:
    try:
        hook_asking.rotate(entered.thing, user_id=entered.user.id)
    except ProductError as error:
        return _refused(request, entered.thing, error)
    return _done(request, entered.thing, "Another secret signs from now on.")


@asking.post("/connections/{connection_id}/webhook/test", name="hooks.test")
def test(request: Request, entered: ConnectionToTest, _seat: TestSeat) -> Response:
    try:
        status = hook_asking.test(entered.thing)
    except ProductError as error:
        return _refused(request, entered.thing, error)
    return _done(request, entered.thing, f"A test was sent, and answered with {status}.")


@asking.post("/connections/{connection_id}/webhook/remove", name="hooks.remove")
def remove(
    request: Request,
    entered: ConnectionToTest,
    _seat: TestSeat,
    submission: Annotated[Submission[HookRemoval], Depends(submitted(HookRemoval))],
) -> Response:
    here_only = submission.form is not None and submission.form.here_only
    try:
        hook_asking.remove(entered.thing, user_id=entered.user.id, here_only=here_only)
    except ProductError as error:
        return _refused(request, entered.thing, error)
    said = "The webhook is removed."
    return redirect(request, "connections.show", connection_id=entered.thing.id, toast=said)


def _done(request: Request, connection: Connection, said: str) -> Response:
    return redirect(request, "hooks.show", connection_id=connection.id, toast=said)


def _refused(request: Request, connection: Connection, error: ProductError) -> Response:
    with read_only() as session:
        view = hook_views.whole(session, connection, refused=error.message)
    return page(
        request,
        "connections/webhook.html",
        view,
        status=error.status,
        headers=error.headers,
    )
