"""What the shell around every page shows, and the pages about projects themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from app.auth.models import User
from app.auth.passwords import SHORTEST
from app.core import storage
from app.core.instance import Instance
from app.core.list_views import Choices, ListView
from app.core.storage import Room
from app.core.views import FormState
from app.projects.listing import SORTS
from app.projects.models import INVITATION_HOURS, Invitation, Membership, Project


@dataclass(frozen=True, slots=True)
class ShellUser:
    """The person looking; `initials` are at most two letters. `zone` is an IANA time zone, or empty
    for the browser's.
    """

    name: str
    email: str
    initials: str
    is_instance_owner: bool
    theme: str
    zone: str
    has_single_keys: bool
    is_touring: bool


@dataclass(frozen=True, slots=True)
class ShellProject:
    """A project as the switcher shows it; `role` is owner, editor or viewer."""

    id: int
    name: str
    initials: str
    role: str


@dataclass(frozen=True, slots=True)
class Shell:
    """Around every page. `user` is None before sign-in; `section` is home, datasets, jobs, models,
    graders, evaluations, playground, rescue, connections, notices, budget, members, activity,
    account, people, storage, projects or empty. `as_of`: restored from a backup of that moment, and
    nobody has allowed starts since. `room`: how full the disk is, for the instance's owner while it
    is nearly.
    """

    csrf: str
    user: ShellUser | None = None
    project: ShellProject | None = None
    projects: tuple[ShellProject, ...] = ()
    section: str = ""
    as_of: datetime | None = None
    room: Room | None = None


@dataclass(frozen=True, slots=True)
class NewView:
    """Field: name."""

    form: FormState


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member; `is_me` is the reader."""

    user_id: int
    name: str
    email: str
    initials: str
    role: str
    since: datetime
    is_me: bool


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation that waits to be accepted."""

    id: int
    role: str
    by: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MembersView:
    """Who belongs to a project. Fields of `form`: email, role. `link` is a fresh invitation's
    address, shown this once; `refused` says why the last change was not made.
    """

    project_id: int
    members: tuple[MemberRow, ...]
    invitations: tuple[InvitationRow, ...]
    list: ListView
    sorts: Choices
    can_manage: bool
    form: FormState
    link: str = ""
    link_role: str = ""
    refused: str = ""
    hours: int = INVITATION_HOURS


@dataclass(frozen=True, slots=True)
class InvitationView:
    """What an invited person sees. `project` is empty when the link is no good; `me` is their name
    when they are signed in, else the form asks for name, email, password.
    """

    token: str
    project: str
    role: str
    me: str
    form: FormState
    password_length: int = SHORTEST


def members(
    project_id: int,
    everybody: Sequence[Membership],
    listed: ListView,
    waiting: Sequence[Invitation],
    me: User,
    form: FormState,
    *,
    can_manage: bool,
) -> MembersView:
    """The page of a project's members, as `me` sees it."""
    return MembersView(
        project_id=project_id,
        members=tuple(
            MemberRow(
                one.user_id,
                one.user.name,
                one.user.email,
                initials(one.user.name),
                one.role,
                one.created_at,
                one.user_id == me.id,
            )
            for one in everybody
        ),
        invitations=tuple(
            InvitationRow(
                one.id,
                one.role,
                one.creator.name if one.creator else "someone who left",
                one.created_at,
                one.expires_at,
            )
            for one in waiting
        ),
        list=listed,
        sorts=SORTS,
        can_manage=can_manage,
        form=form,
    )


SECTIONS = {
    "dashboard": "home",
    "datasets": "datasets",
    "collections": "datasets",
    "jobs": "jobs",
    "models": "models",
    "graders": "graders",
    "evaluations": "evaluations",
    "evaluation_runs": "evaluations",
    "rounds": "evaluations",
    "duels": "evaluations",
    "judges": "evaluations",
    "playground": "playground",
    "rescues": "rescue",
    "rescued": "rescue",
    "rescued_evals": "rescue",
    "rescued_usage": "rescue",
    "connections": "connections",
    "notices": "notices",
    "budgets": "budget",
    "members": "members",
    "activity": "activity",
    "account": "account",
    "people": "people",
    "storage": "storage",
    "calendar": "calendar",
    "dates": "dates",
    "prices": "prices",
}


def shell_of(
    request: Request,
    user: User,
    everything: Sequence[Membership],
    here: Membership | None,
    held: Instance | None = None,
) -> Shell:
    """The shell for this person, inside the project of `here` or outside of all."""
    switcher = tuple(_switch(one) for one in everything)
    return Shell(
        csrf=request.state.csrf,
        user=ShellUser(
            user.name,
            user.email,
            initials(user.name),
            user.is_instance_owner,
            user.theme,
            user.time_zone or "",
            user.has_single_keys,
            user.is_touring,
        ),
        project=_switch(here) if here else None,
        projects=switcher,
        as_of=held.backed_up_at if held else None,
        room=_room_if_low() if user.is_instance_owner else None,
        section=_section(request),
    )


def _section(request: Request) -> str:
    """Which place of the side bar the page belongs to; an address that is nobody's has no route."""
    route = request.scope.get("route")
    return SECTIONS.get(route.name.partition(".")[0], "projects") if route else ""


def _room_if_low() -> Room | None:
    room = storage.room()
    return room if room.is_low else None


def _switch(membership: Membership) -> ShellProject:
    project = membership.project
    return ShellProject(project.id, project.name, initials(project.name), membership.role)


def initials(name: str) -> str:
    """At most two letters that stand for a name: SR for Support routing."""
    words = [word for word in name.replace("-", " ").replace("_", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][:2] if len(words) == 1 else words[0][0] + words[1][0]).upper()


@dataclass(frozen=True, slots=True)
class ProjectResource:
    """A project as the API gives it."""

    id: int
    name: str
    slug: str
    created_at: datetime


def resource(project: Project) -> ProjectResource:
    """The project as the API gives it."""
    return ProjectResource(project.id, project.name, project.slug, project.created_at)


@dataclass(frozen=True, slots=True)
class MemberResource:
    """A member as the API gives it; `role` is owner, editor or viewer."""

    user_id: int
    name: str
    email: str
    role: str
    since: datetime


def member_resource(member: Membership) -> MemberResource:
    """The member as the API gives it."""
    who = member.user
    return MemberResource(who.id, who.name, who.email, member.role, member.created_at)


@dataclass(frozen=True, slots=True)
class InvitationResource:
    """An invitation as the API gives it."""

    id: int
    role: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FreshInvitation(InvitationResource):
    """An invitation just made, with the link that is shown this once."""

    link: str


def invitation_resource(invitation: Invitation) -> InvitationResource:
    """The invitation as the API gives it."""
    return InvitationResource(
        invitation.id, invitation.role, invitation.created_at, invitation.expires_at
    )


def fresh_invitation(invitation: Invitation, link: str) -> FreshInvitation:
    """The invitation as the API gives it to whoever made it."""
    return FreshInvitation(
        invitation.id, invitation.role, invitation.created_at, invitation.expires_at, link
    )
