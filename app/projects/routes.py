"""Pages about projects: which there are, making one, and who belongs to it."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from app.auth import passwords
from app.auth import service as auth
from app.auth.access import (
    CurrentUser,
    HashingSeat,
    Myself,
    PathId,
    csrf_checked,
    current_user,
    signed_in,
)
from app.auth.models import User
from app.core import clock, secrets
from app.core.database import DbSession, read_only, unit_of_work
from app.core.errors import Conflict, NotFound, NotSignedIn, ProductError, TooMany, WrongInput
from app.core.forms import Submission, submitted
from app.core.keyset import page_of, place_of
from app.core.list_views import list_view
from app.core.pages import asked_part, page, path_for, redirect
from app.core.views import FormState
from app.projects import queries, service, views
from app.projects.access import CurrentProject, ManagedProject, enter, outside, role_here
from app.projects.forms import AcceptForm, JoinForm, MemberForm, ProjectForm, RoleForm
from app.projects.listing import MEMBERS
from app.projects.models import Project
from app.settings import settings

router = APIRouter(dependencies=[Depends(csrf_checked)])
# Whoever was invited may have no account yet; the link is the proof.
invited = APIRouter()

MEMBERS_PAGE = 100
CHOOSE = "Choose viewer, editor or owner."


@router.get("/projects/new", name="projects.new", dependencies=[Depends(outside)])
def new(request: Request, _user: Myself) -> Response:
    return page(request, "projects/new.html", views.NewView(FormState()))


@router.post("/projects", name="projects.create", dependencies=[Depends(outside)])
def create(
    request: Request,
    session: DbSession,
    user: Myself,
    submission: Annotated[Submission[ProjectForm], Depends(submitted(ProjectForm))],
) -> Response:
    if submission.form is None:
        return page(request, "projects/new.html", views.NewView(submission), status=422)
    project = service.create_project(session, name=submission.form.name, user=user)
    return redirect(request, "dashboard.home", project_id=project.id, toast="The project is made.")


@router.get("/projects/{project_id}/members", name="members.index")
def members(
    request: Request, session: DbSession, user: CurrentUser, project: CurrentProject
) -> Response:
    view = _members(request, session, project, user)
    return page(request, "projects/members.html", view, fragment=asked_part(request, "rows"))


@router.post("/projects/{project_id}/members", name="members.add")
def add_member(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    submission: Annotated[Submission[MemberForm], Depends(submitted(MemberForm))],
) -> Response:
    form = submission.form
    try:
        if form is not None:
            service.add_by_email(
                session, project=project, email=form.email, role=form.role, actor_id=user.id
            )
            said = f"{form.email} is added as {form.role}."
            return redirect(request, "members.index", project_id=project.id, toast=said)
    except WrongInput as error:
        submission = submission.refused(error)
    view = _members(request, session, project, user, submission)
    return page(request, "projects/members.html", view, status=422)


@router.post("/projects/{project_id}/members/{user_id}/role", name="members.change")
def change_role(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    user_id: PathId,
    submission: Annotated[Submission[RoleForm], Depends(submitted(RoleForm))],
) -> Response:
    if submission.form is None:
        return _refused(request, session, project, user, WrongInput(CHOOSE))
    role = submission.form.role
    try:
        service.change_role(session, project=project, user_id=user_id, role=role, actor_id=user.id)
    except Conflict as error:
        return _refused(request, session, project, user, error)
    said = f"The role is {role} now."
    return redirect(request, "members.index", project_id=project.id, toast=said)


@router.post("/projects/{project_id}/members/{user_id}/remove", name="members.remove")
def remove_member(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    user_id: PathId,
) -> Response:
    try:
        service.remove_member(session, project=project, user_id=user_id, actor_id=user.id)
    except Conflict as error:
        return _refused(request, session, project, user, error)
    if user_id == user.id:
        return redirect(request, "projects.index", toast=f"You left {project.name}.")
    said = "They are no longer a member."
    return redirect(request, "members.index", project_id=project.id, toast=said)


@router.post("/projects/{project_id}/leave", name="members.leave")
def leave(request: Request, session: DbSession, user: Myself, project_id: PathId) -> Response:
    project = enter(request, session, user, project_id, "view")
    try:
        service.remove_member(session, project=project, user_id=user.id, actor_id=user.id)
    except Conflict as error:
        return _refused(request, session, project, user, error)
    return redirect(request, "projects.index", toast=f"You left {project.name}.")


@router.post("/projects/{project_id}/invitations", name="members.invite")
def invite(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    submission: Annotated[Submission[RoleForm], Depends(submitted(RoleForm))],
) -> Response:
    if submission.form is None:
        return _refused(request, session, project, user, WrongInput(CHOOSE))
    role = submission.form.role
    try:
        _, token = service.invite(session, project=project, role=role, actor_id=user.id)
    except TooMany as error:
        return _refused(request, session, project, user, error)
    link = settings().base_url + path_for(request, "invitations.show", token=token)
    view = replace(_members(request, session, project, user), link=link, link_role=role)
    return page(request, "projects/members.html", view, headers={"Cache-Control": "no-store"})


@router.post(
    "/projects/{project_id}/invitations/{invitation_id}/revoke", name="members.revoke_invitation"
)
def revoke_invitation(
    request: Request,
    session: DbSession,
    user: CurrentUser,
    project: ManagedProject,
    invitation_id: PathId,
) -> Response:
    try:
        service.revoke_invitation(
            session, project=project, invitation_id=invitation_id, actor_id=user.id
        )
    except Conflict as error:
        return _refused(request, session, project, user, error)
    said = "The invitation is taken back."
    return redirect(request, "members.index", project_id=project.id, toast=said)


def _members(
    request: Request,
    session: Session,
    project: Project,
    user: User,
    form: FormState | None = None,
) -> views.MembersView:
    session.flush()
    asked, fenced = MEMBERS.read(request), queries.ids_of_members(project.id)
    found = page_of(session, fenced, asked, limit=MEMBERS_PAGE)
    place = place_of(session, fenced, asked, found)
    path = path_for(request, "members.index", project_id=project.id)
    return views.members(
        project.id,
        queries.members_by_ids(session, project.id, found.ids),
        list_view(request, asked, found, place, path=path),
        queries.open_invitations(session, project.id, clock.now(session)),
        user,
        form or FormState({"role": "editor"}),
        can_manage=role_here(request).may("manage"),
    )


def _refused(
    request: Request, session: Session, project: Project, user: User, error: ProductError
) -> Response:
    view = replace(_members(request, session, project, user), refused=error.message)
    return page(request, "projects/members.html", view, status=error.status)


@invited.get("/invitations/{token}", name="invitations.show")
def invitation(request: Request, token: str) -> Response:
    return _door(request, token, FormState())


@router.post("/invitations/accept", name="invitations.accept")
def accept(
    request: Request,
    session: DbSession,
    user: Myself,
    submission: Annotated[Submission[AcceptForm], Depends(submitted(AcceptForm))],
) -> Response:
    if submission.form is None:
        raise NotFound
    project = service.accept_invitation(session, token=submission.form.token, user=user)
    said = f"You are a member of {project.name}."
    return redirect(request, "dashboard.home", project_id=project.id, toast=said)


@invited.post("/invitations/join", name="invitations.join")
def join(
    request: Request,
    submission: Annotated[Submission[JoinForm], Depends(submitted(JoinForm))],
    _seat: HashingSeat,
) -> Response:
    form = submission.form
    try:
        if form is not None:
            # Strangers may send this: only who has the link makes us hash.
            with read_only() as session:
                service.find_invitation(session, form.token)
            password_hash = passwords.hashed(form.password.get_secret_value())
            with unit_of_work() as session:
                user = auth.create_user(
                    session, email=form.email, name=form.name, password_hash=password_hash
                )
                project = service.accept_invitation(session, token=form.token, user=user)
            home = path_for(request, "dashboard.home", project_id=project.id)
            return signed_in(request, user.id, home)
    except ProductError as error:
        submission = submission.refused(error)
    return _door(request, submission.values.get("token", ""), submission, status=422)


def _door(request: Request, token: str, form: FormState, status: int = 200) -> Response:
    with read_only() as session:
        found = queries.open_invitation(session, secrets.fingerprint(token), clock.now(session))
        try:
            me = current_user(request, session).name
        except NotSignedIn:
            me = ""
        project, role = (found.project.name, found.role) if found else ("", "")
    view = views.InvitationView(token, project, role, me, form)
    return page(request, "projects/invitation.html", view, status=status)
