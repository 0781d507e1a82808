"""Decisions about projects."""

import re
import unicodedata
from collections.abc import Callable
from datetime import timedelta
from itertools import count

from sqlalchemy.orm import Session

from app.auth import queries as people
from app.auth import service as auth
from app.auth.models import User
from app.core import clock, secrets
from app.core.errors import Conflict, NotAllowed, NotFound, ProductError, WrongInput
from app.core.events import announce
from app.projects import queries
from app.projects.models import INVITATION_HOURS, Invitation, Membership, Project, Role
from app.settings import settings

SLUG_LENGTH = 60
USED_UP = "This invitation was used already, taken back, or has expired. Ask for a new one."

# What higher domains put into every new project, in the same unit of work; filled by
# app/reactions.py.
FURNISH: list[Callable[[Session, Project, User], None]] = []


def create_project(session: Session, *, name: str, user: User, slug: str | None = None) -> Project:
    """A new project, owned by whoever makes it. Everything in FURNISH is called before anybody sees
    it.
    """
    moment = clock.now(session)
    project = Project(
        name=name, slug=slug or _free_slug(session, name), created_by=user.id, created_at=moment
    )
    session.add(project)
    session.flush()
    session.add(
        Membership(project_id=project.id, user_id=user.id, role=Role.OWNER, created_at=moment)
    )
    auth.record(
        session,
        "project.created",
        f"project:{project.id}",
        actor_id=user.id,
        project_id=project.id,
        name=name,
    )
    for furnish in FURNISH:
        furnish(session, project, user)
    return project


def add_member(
    session: Session, *, project: Project, user: User, role: Role, actor_id: int | None
) -> Membership:
    """Let a person into the project, or change their role. Raises Conflict for the last owner."""
    found = queries.membership(session, user.id, project.id)
    verb = "member.added" if found is None else "member.changed"
    if found is None:
        moment = clock.now(session)
        found = Membership(project_id=project.id, user=user, role=role, created_at=moment)
        session.add(found)
    else:
        _keep_an_owner(session, found, role)
        found.role = role
    _record_member(session, verb, project.id, user, actor_id, role=role)
    return found


def add_by_email(
    session: Session, *, project: Project, email: str, role: Role, actor_id: int
) -> Membership:
    """Let somebody in who has an account here. Raises WrongInput when nobody has this address, or
    who has it belongs to the project already.
    """
    user = people.user_by_email(session, email)
    if user is None:
        raise WrongInput.field(
            "email", f"Nobody here has the address {email}. Make an invitation link instead."
        )
    found = queries.membership(session, user.id, project.id)
    if found is not None:
        raise WrongInput.field("email", f"{user.name} is a member already, as {found.role}.")
    return add_member(session, project=project, user=user, role=role, actor_id=actor_id)


def change_role(
    session: Session, *, project: Project, user_id: int, role: Role, actor_id: int
) -> Membership:
    """Give a member another role. Raises Conflict for the last owner, NotFound for strangers."""
    member = _held_member(session, project, user_id, actor_id)
    if member.role == role:
        return member
    _keep_an_owner(session, member, role)
    before, member.role = member.role, role
    _record_member(
        session, "member.changed", project.id, member.user, actor_id, role=role, before=before
    )
    return member


def remove_member(session: Session, *, project: Project, user_id: int, actor_id: int) -> None:
    """Take a member out of the project; what they made stays. Everybody may take themselves out.

    Raises Conflict for the last owner, NotFound for strangers.
    """
    member = _held_member(session, project, user_id, actor_id)
    _keep_an_owner(session, member, None)
    verb = "member.left" if user_id == actor_id else "member.removed"
    _record_member(session, verb, project.id, member.user, actor_id, role=member.role)
    session.delete(member)


def _held_member(session: Session, project: Project, user_id: int, actor_id: int) -> Membership:
    """A membership that nobody else changes meanwhile, for somebody who may still change it: two
    owners who demote each other come one after the other.
    """
    session.get_one(Project, project.id, with_for_update=True)
    members = {one.user_id: one for one in queries.members_of(session, project.id, fresh=True)}
    actor, member = members.get(actor_id), members.get(user_id)
    if actor is None or member is None:
        raise NotFound
    if user_id != actor_id and not actor.may("manage"):
        raise NotAllowed("You are no longer an owner of this project.")
    return member


def _keep_an_owner(session: Session, member: Membership, role: Role | None) -> None:
    if member.role != Role.OWNER or role == Role.OWNER:
        return
    if not queries.has_another_owner(session, member):
        raise Conflict("A project needs an owner. Make somebody else one first.")


def _record_member(
    session: Session,
    verb: str,
    project_id: int,
    user: User,
    actor_id: int | None,
    **detail: str,
) -> None:
    """Write it down, and tell open pages and the person's own streams."""
    auth.record(
        session,
        verb,
        f"user:{user.id}",
        actor_id=actor_id,
        project_id=project_id,
        name=user.name,
        email=user.email,
        **detail,
    )
    announce(session, f"project:{project_id}", f"members:{project_id}", f"rights:{user.id}")


def invite(
    session: Session, *, project: Project, role: Role, actor_id: int
) -> tuple[Invitation, str]:
    """A new invitation and its token: it works once, for 72 hours, and gives this role. Raises
    TooMany when this person made enough of them today.
    """
    most = settings().invitations_per_day
    auth.check_pace(
        session,
        actor_id=actor_id,
        verb="invitation.created",
        most=most,
        within=timedelta(days=1),
        words=f"You made {most} invitations within a day, as many as this instance allows. "
        "LUTHIER_INVITATIONS_PER_DAY says how many there may be.",
    )
    moment, token = clock.now(session), secrets.new_token()
    invitation = Invitation(
        project_id=project.id,
        role=role,
        fingerprint=secrets.fingerprint(token),
        created_by=actor_id,
        created_at=moment,
        expires_at=moment + timedelta(hours=INVITATION_HOURS),
    )
    session.add(invitation)
    session.flush()
    _record_invitation(session, "invitation.created", invitation, actor_id)
    return invitation, token


def revoke_invitation(
    session: Session, *, project: Project, invitation_id: int, actor_id: int
) -> None:
    """Make an invitation useless. Raises NotFound when it is another project's."""
    invitation = session.get(Invitation, invitation_id, with_for_update=True)
    if invitation is None or invitation.project_id != project.id:
        raise NotFound
    if invitation.used_at is not None:
        raise Conflict("This invitation was accepted already. Remove the member instead.")
    if invitation.revoked_at is None:
        invitation.revoked_at = clock.now(session)
        _record_invitation(session, "invitation.revoked", invitation, actor_id)


def find_invitation(session: Session, token: str, *, for_update: bool = False) -> Invitation:
    """The invitation of a link's token, with its project. Raises ProductError (400) when it cannot
    be accepted any more.
    """
    invitation = queries.open_invitation(
        session, secrets.fingerprint(token), clock.now(session), for_update=for_update
    )
    if invitation is None:
        raise ProductError(USED_UP)
    return invitation


def accept_invitation(session: Session, *, token: str, user: User) -> Project:
    """Let a person in by a link's token, which is used up. Raises ProductError (400) when it cannot
    be used, Conflict when they belong to the project already: then the link stays good.
    """
    invitation = find_invitation(session, token, for_update=True)
    project, role = invitation.project, Role(invitation.role)
    found = queries.membership(session, user.id, project.id)
    if found is not None:
        raise Conflict(f"You are a member of {project.name} already, as {found.role}.")
    add_member(session, project=project, user=user, role=role, actor_id=user.id)
    invitation.used_at = clock.now(session)
    return project


def _record_invitation(session: Session, verb: str, invitation: Invitation, actor_id: int) -> None:
    auth.record(
        session,
        verb,
        f"invitation:{invitation.id}",
        actor_id=actor_id,
        project_id=invitation.project_id,
        name=invitation.role,
    )
    announce(session, f"project:{invitation.project_id}", f"members:{invitation.project_id}")


def slug_of(name: str) -> str:
    """Letters and digits of the name, lower case, joined by dashes; `project` when none is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_LENGTH].rstrip("-") or "project"


def _free_slug(session: Session, name: str) -> str:
    stem = slug_of(name)
    taken = queries.slugs_like(session, stem)
    return next(
        slug
        for number in count(1)
        if (slug := stem if number == 1 else f"{stem}-{number}") not in taken
    )
