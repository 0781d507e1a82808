"""Every select about projects and who belongs to them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.projects.models import Membership, Project


def memberships_of(session: Session, user_id: int) -> Sequence[Membership]:
    """A person's memberships with their projects, by name."""
    return session.scalars(
        select(Membership)
        .join(Membership.project)
        .where(Membership.user_id == user_id)
        .options(joinedload(Membership.project))
        .order_by(Project.name, Project.id)
    ).all()


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
