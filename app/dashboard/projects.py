"""A person's projects beside each other: what runs, what was made, when something happened."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.auth import queries as people
from app.auth.models import User
from app.catalog import queries as catalog
from app.jobs import queries as jobs
from app.projects import queries as projects
from app.projects.views import initials


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """One project of the reader. `topic` nudges when something of it changes."""

    id: int
    name: str
    initials: str
    role: str
    running: int
    models: int
    happened_at: datetime
    topic: str


@dataclass(frozen=True, slots=True)
class ProjectsView:
    """The reader's projects, the one where something happened last first."""

    projects: tuple[ProjectRow, ...]


def overview(session: Session, user: User) -> ProjectsView:
    """The list of a person's projects, three queries for all of them."""
    ids = projects.project_ids_of(user.id)
    running = jobs.count_unended_by_project(session, ids)
    models = catalog.count_models_by_project(session, ids)
    happened = people.last_activity_by_project(session, ids)
    rows = (
        ProjectRow(
            id=one.project_id,
            name=one.project.name,
            initials=initials(one.project.name),
            role=one.role,
            running=running.get(one.project_id, 0),
            models=models.get(one.project_id, 0),
            happened_at=happened.get(one.project_id, one.project.created_at),
            topic=f"project:{one.project_id}",
        )
        for one in projects.memberships_of(session, user.id)
    )
    return ProjectsView(tuple(sorted(rows, key=lambda row: row.happened_at, reverse=True)))
