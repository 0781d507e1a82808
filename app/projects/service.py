"""Decisions about projects."""

import re
import unicodedata
from collections.abc import Callable
from itertools import count

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.core import clock
from app.projects import queries
from app.projects.models import Membership, Project, Role

SLUG_LENGTH = 60

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
) -> None:
    """Let a person into the project, or change their role."""
    found = queries.membership(session, user.id, project.id)
    if found is None:
        session.add(
            Membership(
                project_id=project.id, user_id=user.id, role=role, created_at=clock.now(session)
            )
        )
    else:
        found.role = role
    auth.record(
        session,
        "member.added" if found is None else "member.changed",
        f"user:{user.id}",
        actor_id=actor_id,
        project_id=project.id,
        role=role,
        email=user.email,
    )


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
