"""Decisions about connections, and `open_connection`: the one way to a provider."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.auth.models import User
from app.connections import queries
from app.connections.models import Connection
from app.core import clock, secrets
from app.core.errors import WrongInput
from app.core.http import HttpOptions
from app.projects.models import Project
from app.providers.base import Capabilities, KeyRejected, Provider, ProviderError
from app.providers.profiles import profiles
from app.providers.registry import open_provider, profile_for
from app.settings import settings

PRACTICE = "Practice"
PRACTICE_PROFILE = "luthier"
HINT_LENGTH = 4
LONGEST_WAIT_SECONDS = 86_400.0


def create_connection(
    session: Session,
    *,
    project_id: int,
    actor_id: int,
    name: str,
    kind: str,
    base_url: str,
    api_key: str,
) -> Connection:
    """A new connection with its key sealed to its address. Raises WrongInput when the name is
    taken.
    """
    if queries.has_name(session, project_id, name):
        raise WrongInput.field("name", f"This project has a connection called {name} already.")
    connection = Connection(
        project_id=project_id,
        name=name,
        kind=kind,
        profile=profile_for(base_url),
        base_url=base_url,
        sealed_key=b"",
        key_hint="",
        created_by=actor_id,
        created_at=clock.now(session),
    )
    session.add(connection)
    session.flush()
    _seal_key(connection, api_key)
    auth.record(
        session,
        "connection.created",
        f"connection:{connection.id}",
        actor_id=actor_id,
        project_id=project_id,
        name=name,
    )
    return connection


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
        if connection.base_url == url and _opens_to(connection, key.get_secret_value()):
            continue
        connection.base_url = url
        _seal_key(connection, key.get_secret_value())


def open_connection(connection: Connection, http: HttpOptions | None = None) -> Provider:
    """The provider behind a connection. Raises KeyRejected when the key was sealed under another
    secret, or is none that could be sent.
    """
    try:
        key = secrets.unseal(connection.sealed_key, aad=_bound_to(connection))
    except secrets.SealBroken as error:
        raise KeyRejected("The key was sealed with another secret and cannot be opened.") from error
    return open_provider(connection.kind, connection.base_url, key, connection.profile, http)


def record_answer(session: Session, connection_id: int) -> None:
    """The provider answered: nothing holds the connection any more."""
    connection = session.get_one(Connection, connection_id)
    if (
        connection.words
        or connection.refused_at
        or connection.not_before
        or connection.checked_at is None
    ):
        connection.words = connection.refused_at = connection.not_before = None
        connection.checked_at = clock.now(session)


def record_failure(session: Session, connection_id: int, error: ProviderError) -> None:
    """Keep the provider's words where people see them."""
    connection = session.get_one(Connection, connection_id)
    moment = clock.now(session)
    connection.words = error.message
    connection.checked_at = moment
    connection.refused_at = moment if isinstance(error, KeyRejected) else None


def hold(session: Session, connection_id: int, error: ProviderError, *, seconds: float) -> datetime:
    """Keep the words, and let all calls over the connection wait; until when they do. A longer wait
    that was asked for earlier holds.
    """
    record_failure(session, connection_id, error)
    connection = session.get_one(Connection, connection_id)
    wait = timedelta(seconds=settings().wait(min(max(seconds, 1.0), LONGEST_WAIT_SECONDS)))
    until = max(clock.now(session) + wait, connection.not_before or clock.now(session))
    connection.not_before = until
    return until


def _seal_key(connection: Connection, api_key: str) -> None:
    connection.sealed_key = secrets.seal(api_key, aad=_bound_to(connection))
    connection.key_hint = api_key[-HINT_LENGTH:] if len(api_key) > 2 * HINT_LENGTH else "…"


def _bound_to(connection: Connection) -> str:
    """A sealed key opens for this row and this origin alone: changing the address asks for the key
    again.
    """
    parts = urlsplit(connection.base_url)
    return f"connection {connection.id} {parts.scheme}://{parts.netloc}"


def _opens_to(connection: Connection, api_key: str) -> bool:
    try:
        return secrets.unseal(connection.sealed_key, aad=_bound_to(connection)) == api_key
    except secrets.SealBroken:
        return False


def capabilities_of(connection: Connection) -> Capabilities:
    """What can be done over a connection, as its profile says."""
    return profiles()[connection.profile].capabilities
