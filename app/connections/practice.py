"""Practice: each project's connection to the trainer of this instance, where one is configured."""

from sqlalchemy.orm import Session

from app.auth.models import User
from app.connections import queries
from app.connections.keys import opened_key, opens, seal_key
from app.connections.service import create_connection
from app.projects.models import Project
from app.settings import settings

PRACTICE = "Practice"
PRACTICE_PROFILE = "luthier"


def add_practice(session: Session, project: Project, user: User) -> None:
    """Give a new project its first connection: the trainer of this instance, where one is
    configured.
    """
    url, key = settings().trainer_url, settings().trainer_key
    if url is None or key is None:
        return
    connection = create_connection(
        session,
        project_id=project.id,
        actor_id=user.id,
        name=PRACTICE,
        kind="openai",
        base_url=url,
        api_key=key.get_secret_value(),
        is_tested=False,
    )
    connection.profile = PRACTICE_PROFILE
    connection.is_practice = True


def refresh_practice(session: Session) -> None:
    """Point every practice connection at the trainer's present address and key: its port may have
    moved.
    """
    url, key = settings().trainer_url, settings().trainer_key
    if url is None or key is None:
        return
    for connection in queries.practice_connections(session):
        present = key.get_secret_value()
        if connection.base_url == url and opens(connection) and opened_key(connection) == present:
            continue
        connection.base_url = url
        seal_key(connection, present)
