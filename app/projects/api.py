"""Projects and who belongs to them as JSON."""

from fastapi import APIRouter, Request, Response

from app.auth.access import CurrentUser, Myself, PathId
from app.core import clock
from app.core.api import After, Limit, Listing, keyed, listing
from app.core.database import DbSession
from app.core.keyset import page_of
from app.core.pages import path_for
from app.projects import queries, service
from app.projects.access import CurrentProject, ManagedProject
from app.projects.forms import MemberForm, ProjectForm, RoleForm
from app.projects.listing import MEMBERS
from app.projects.views import (
    FreshInvitation,
    InvitationResource,
    MemberResource,
    ProjectResource,
    fresh_invitation,
    invitation_resource,
    member_resource,
    resource,
)
from app.settings import settings

router = APIRouter(prefix="/api/v1", tags=["projects"])


@router.get("/projects", name="api.projects.index")
def index(
    session: DbSession, user: Myself, after: After = None, limit: Limit = 50
) -> Listing[ProjectResource]:
    """The projects you belong to, the newest first."""
    rows = queries.projects_of(session, user.id, after=after, limit=limit + 1)
    return listing(rows, limit, resource)


@router.post("/projects", name="api.projects.create", status_code=201)
def create(session: DbSession, user: Myself, body: ProjectForm) -> ProjectResource:
    """Make a project; you own it, and it has the connection Practice."""
    return resource(service.create_project(session, name=body.name, user=user))


@router.get("/projects/{project_id}", name="api.projects.show")
def show(project: CurrentProject) -> ProjectResource:
    """One project."""
    return resource(project)


@router.get(
    "/projects/{project_id}/members", name="api.members.index", openapi_extra=MEMBERS.openapi
)
def members(
    request: Request, session: DbSession, project: CurrentProject, limit: Limit = 50
) -> Listing[MemberResource]:
    """Who belongs to a project, and as what, the longest here first unless asked otherwise."""
    found = page_of(session, queries.ids_of_members(project.id), MEMBERS.read(request), limit=limit)
    rows = queries.members_by_ids(session, project.id, found.ids)
    return keyed(found, [member_resource(member) for member in rows])


@router.post("/projects/{project_id}/members", name="api.members.add", status_code=201)
def add_member(
    session: DbSession, user: CurrentUser, project: ManagedProject, body: MemberForm
) -> MemberResource:
    """Let somebody in who has an account here."""
    return member_resource(
        service.add_by_email(
            session, project=project, email=body.email, role=body.role, actor_id=user.id
        )
    )


@router.patch("/projects/{project_id}/members/{user_id}", name="api.members.change")
def change_role(
    session: DbSession, user: CurrentUser, project: ManagedProject, user_id: PathId, body: RoleForm
) -> MemberResource:
    """Give a member another role. The last owner stays one (409)."""
    return member_resource(
        service.change_role(
            session, project=project, user_id=user_id, role=body.role, actor_id=user.id
        )
    )


@router.delete(
    "/projects/{project_id}/members/{user_id}", name="api.members.remove", status_code=204
)
def remove_member(
    session: DbSession, user: CurrentUser, project: ManagedProject, user_id: PathId
) -> Response:
    """Take a member out; what they made stays. The last owner cannot go (409)."""
    service.remove_member(session, project=project, user_id=user_id, actor_id=user.id)
    return Response(status_code=204)


@router.get("/projects/{project_id}/invitations", name="api.invitations.index")
def invitations(
    session: DbSession, project: ManagedProject, after: After = None, limit: Limit = 50
) -> Listing[InvitationResource]:
    """The invitations that nobody accepted yet, the newest first."""
    moment = clock.now(session)
    rows = queries.open_invitations(session, project.id, moment, after=after, limit=limit + 1)
    return listing(rows, limit, invitation_resource)


@router.post("/projects/{project_id}/invitations", name="api.invitations.create", status_code=201)
def invite(
    request: Request, session: DbSession, user: CurrentUser, project: ManagedProject, body: RoleForm
) -> FreshInvitation:
    """Make a link that lets one person in, once, for 72 hours. It is shown only here."""
    made, token = service.invite(session, project=project, role=body.role, actor_id=user.id)
    link = settings().base_url + path_for(request, "invitations.show", token=token)
    return fresh_invitation(made, link)


@router.delete(
    "/projects/{project_id}/invitations/{invitation_id}",
    name="api.invitations.revoke",
    status_code=204,
)
def revoke_invitation(
    session: DbSession, user: CurrentUser, project: ManagedProject, invitation_id: PathId
) -> Response:
    """Take an invitation back."""
    service.revoke_invitation(
        session, project=project, invitation_id=invitation_id, actor_id=user.id
    )
    return Response(status_code=204)
