"""The pages about where else notices go: a project's endpoints, and one with its log."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.auth.access import CurrentUser, csrf_checked
from app.core.database import DbSession
from app.core.errors import Conflict, TooMany, WrongInput
from app.core.forms import Submission, submitted
from app.core.pages import page, redirect
from app.core.views import FormState
from app.notices.endpoints import service, views
from app.notices.endpoints.access import ManagedDelivery, ManagedEndpoint
from app.notices.endpoints.forms import EndpointEdit, EndpointForm, RotateForm
from app.notices.sending.service import send_again
from app.projects.access import ManagedProject

router = APIRouter(dependencies=[Depends(csrf_checked)])
After = Annotated[int | None, Query(ge=1, le=2**53)]


@router.get("/projects/{project_id}/endpoints", name="endpoints.index")
def index(
    request: Request, session: DbSession, user: CurrentUser, project: ManagedProject
) -> Response:
    view = views.index(session, project.id, views.fresh_form(), user=user)
    fragment = "endpoints" if request.headers.get("hx-request") else None
    return page(request, "notices/endpoints.html", view, fragment=fragment)


@router.post("/projects/{project_id}/endpoints", name="endpoints.create")
def create(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    submission: Annotated[Submission[EndpointForm], Depends(submitted(EndpointForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            made, secret = service.create_endpoint(
                session,
                project_id=project.id,
                actor_id=user.id,
                name=form.name,
                kind=form.kind,
                url=form.url.get_secret_value(),
                topics=form.topics,
            )
            return page(request, "notices/endpoint.html", views.show(session, made, secret=secret))
    except WrongInput as error:
        submission = submission.refused(error)
    view = views.index(session, project.id, told(submission), user=user)
    return page(request, "notices/endpoints.html", view, status=422)


@router.post("/projects/{project_id}/endpoints/mail-test", name="endpoints.test_mail")
def test_mail(
    request: Request, session: DbSession, user: CurrentUser, project: ManagedProject
) -> Response:
    try:
        service.send_test_mail(session, project_id=project.id, user=user)
    except (Conflict, TooMany) as error:
        view = views.index(
            session, project.id, views.fresh_form(), user=user, refused=error.message
        )
        return page(
            request, "notices/endpoints.html", view, status=error.status, headers=error.headers
        )
    said = f"A test is on its way to {user.email}."
    return redirect(request, "endpoints.index", project_id=project.id, toast=said)


@router.get("/endpoints/{endpoint_id}", name="endpoints.show")
def show(
    request: Request, session: DbSession, endpoint: ManagedEndpoint, after: After = None
) -> Response:
    fragment = "log" if request.headers.get("hx-request") else None
    view = views.show(session, endpoint, after=after)
    return page(request, "notices/endpoint.html", view, fragment=fragment)


@router.post("/endpoints/{endpoint_id}", name="endpoints.change")
def change(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    endpoint: ManagedEndpoint,
    submission: Annotated[Submission[EndpointEdit], Depends(submitted(EndpointEdit))],
) -> Response:
    form = submission.form
    if form is None:
        view = views.show(session, endpoint, form=told(submission))
        return page(request, "notices/endpoint.html", view, status=422)
    service.change_endpoint(
        session,
        endpoint,
        actor_id=user.id,
        name=form.name,
        url=form.url.get_secret_value() if form.url else None,
        topics=form.topics,
    )
    return redirect(request, "endpoints.show", endpoint_id=endpoint.id, toast="Saved.")


@router.post("/endpoints/{endpoint_id}/on", name="endpoints.switch_on")
def switch_on(
    request: Request, session: DbSession, user: CurrentUser, endpoint: ManagedEndpoint
) -> Response:
    service.change_endpoint(session, endpoint, actor_id=user.id, is_on=True)
    return redirect(request, "endpoints.show", endpoint_id=endpoint.id, toast="It is on.")


@router.post("/endpoints/{endpoint_id}/off", name="endpoints.switch_off")
def switch_off(
    request: Request, session: DbSession, user: CurrentUser, endpoint: ManagedEndpoint
) -> Response:
    service.change_endpoint(session, endpoint, actor_id=user.id, is_on=False)
    return redirect(request, "endpoints.show", endpoint_id=endpoint.id, toast="It is off.")


@router.post("/endpoints/{endpoint_id}/test", name="endpoints.test")
def test(
    request: Request, session: DbSession, user: CurrentUser, endpoint: ManagedEndpoint
) -> Response:
    try:
        service.send_test(session, endpoint, actor_id=user.id)
    except TooMany as error:
        view = views.show(session, endpoint, refused=error.message)
        return page(
            request, "notices/endpoint.html", view, status=error.status, headers=error.headers
        )
    said = "A test is on its way. What becomes of it stands in the log."
    return redirect(request, "endpoints.show", endpoint_id=endpoint.id, toast=said)


@router.post("/endpoints/{endpoint_id}/rotate", name="endpoints.rotate")
def rotate(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    endpoint: ManagedEndpoint,
    submission: Annotated[Submission[RotateForm], Depends(submitted(RotateForm))],
) -> Response:
    keeps_old = submission.values.get("keeps_old") == "yes"
    try:
        secret = service.rotate_secret(session, endpoint, actor_id=user.id, keeps_old=keeps_old)
    except Conflict as error:
        view = views.show(session, endpoint, refused=error.message)
        return page(request, "notices/endpoint.html", view, status=error.status)
    return page(request, "notices/endpoint.html", views.show(session, endpoint, secret=secret))


@router.post("/endpoints/{endpoint_id}/delete", name="endpoints.delete")
def delete(
    request: Request, session: DbSession, user: CurrentUser, endpoint: ManagedEndpoint
) -> Response:
    service.delete_endpoint(session, endpoint, actor_id=user.id)
    said = f"{endpoint.name} is removed."
    return redirect(request, "endpoints.index", project_id=endpoint.project_id, toast=said)


@router.post("/deliveries/{delivery_id}/again", name="deliveries.again")
def again(
    request: Request, session: DbSession, user: CurrentUser, delivery: ManagedDelivery
) -> Response:
    endpoint = delivery.endpoint
    assert endpoint is not None  # noqa: S101 - the access says so
    try:
        send_again(session, delivery, actor_id=user.id)
    except Conflict as error:
        view = views.show(session, endpoint, refused=error.message)
        return page(request, "notices/endpoint.html", view, status=error.status)
    return redirect(
        request, "endpoints.show", endpoint_id=endpoint.id, toast="It is on its way again."
    )


def told(typed: FormState) -> FormState:
    """What was typed, as it may be shown again: an address may be a secret and is typed anew."""
    kept = {**typed.values}
    if kept.get("kind") == "slack":
        kept["url"] = ""
    return FormState(kept, typed.errors)
