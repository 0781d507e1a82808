"""Every select about projects and who belongs to them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session, joinedload

from app.auth.models import User
from app.projects.models import Invitation, Membership, Project, Role


def memberships_of(session: Session, user_id: int) -> Sequence[Membership]:
    """A person's memberships with their projects, by name."""
    return session.scalars(
        select(Membership)
        .join(Membership.project)
        .where(Membership.user_id == user_id)
        .options(joinedload(Membership.project))
        .order_by(Project.name, Project.id)
    ).all()


def project_ids_of(user_id: int) -> Select[int]:
    """The ids of a person's projects, for the `where` of a search across them."""
    return select(Membership.project_id).where(Membership.user_id == user_id)


def membership(session: Session, user_id: int, project_id: int) -> Membership | None:
    """How a person belongs to a project, with the project."""
    query = select(Membership).where(
        Membership.user_id == user_id, Membership.project_id == project_id
    )
    return session.scalar(query.options(joinedload(Membership.project)))


def project_by_slug(session: Session, slug: str) -> Project | None:
    """The project with this slug."""
    return session.scalar(select(Project).where(Project.slug == slug))


def slugs_like(session: Session, stem: str) -> set[str]:
    """The slugs in use that begin with this stem."""
    return set(
        session.scalars(select(Project.slug).where(Project.slug.startswith(stem, autoescape=True)))
    )


def projects_of(
    session: Session, user_id: int, *, after: int | None, limit: int
) -> Sequence[Project]:
    """A person's projects, the newest first, from behind `after`."""
    query = (
        select(Project)
        .join(Membership, Membership.project_id == Project.id)
        .where(Membership.user_id == user_id)
    )
    if after is not None:
        query = query.where(Project.id < after)
    return session.scalars(query.order_by(Project.id.desc()).limit(limit)).all()


def members_of(session: Session, project_id: int, *, fresh: bool = False) -> Sequence[Membership]:
    """Everybody who belongs to a project, the longest there first; `fresh` reads again what the
    session knows already.
    """
    return session.scalars(
        select(Membership)
        .where(Membership.project_id == project_id)
        .options(joinedload(Membership.user))
        .order_by(Membership.created_at, Membership.user_id),
        execution_options={"populate_existing": fresh},
    ).all()


def ids_of_members(project_id: int) -> Select[int]:
    """The ids of a project's members beside their accounts: what its list is sorted and filtered
    from.
    """
    return (
        select(Membership.user_id)
        .select_from(Membership)
        .join(Membership.user)
        .where(Membership.project_id == project_id)
    )


def members_by_ids(
    session: Session, project_id: int, user_ids: Sequence[int]
) -> Sequence[Membership]:
    """These people's memberships in the project, in the order of the ids, as they are now."""
    query = select(Membership).where(
        Membership.project_id == project_id, Membership.user_id.in_(user_ids)
    )
    rows = session.scalars(
        query.options(joinedload(Membership.user)), execution_options={"populate_existing": True}
    )
    found = {member.user_id: member for member in rows}
    return [found[user_id] for user_id in user_ids if user_id in found]


def has_another_owner(session: Session, member: Membership) -> bool:
    """Whether the member's project has an owner besides them who can sign in."""
    query = (
        select(Membership.user_id)
        .join(Membership.user)
        .where(
            Membership.project_id == member.project_id,
            Membership.user_id != member.user_id,
            Membership.role == Role.OWNER,
            User.disabled_at.is_(None),
        )
    )
    return session.scalar(query.limit(1)) is not None


def _acceptable(moment: datetime) -> Select[Invitation]:
    """Invitations that can still be accepted: not used, not old, and made by somebody who could
    make them today.
    """
    maker = and_(
        Membership.project_id == Invitation.project_id,
        Membership.user_id == Invitation.created_by,
        Membership.role == Role.OWNER,
    )
    return (
        select(Invitation)
        .join(Membership, maker)
        .join(User, User.id == Invitation.created_by)
        .where(
            User.disabled_at.is_(None),
            Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None),
            Invitation.expires_at > moment,
        )
    )


def open_invitations(
    session: Session,
    project_id: int,
    moment: datetime,
    *,
    after: int | None = None,
    limit: int | None = None,
) -> Sequence[Invitation]:
    """A project's invitations that can still be accepted, the newest first, from behind `after`."""
    query = _acceptable(moment).where(Invitation.project_id == project_id)
    if after is not None:
        query = query.where(Invitation.id < after)
    return session.scalars(
        query.options(joinedload(Invitation.creator)).order_by(Invitation.id.desc()).limit(limit)
    ).all()


def open_invitation(
    session: Session, fingerprint: str, moment: datetime, *, for_update: bool = False
) -> Invitation | None:
    """The invitation of this token with its project, if it can still be accepted; `for_update`
    holds it against a second acceptance.
    """
    query = _acceptable(moment).where(Invitation.fingerprint == fingerprint)
    if for_update:
        query = query.with_for_update(of=Invitation)
    return session.scalar(query.options(joinedload(Invitation.project, innerjoin=True)))
