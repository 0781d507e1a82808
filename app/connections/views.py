"""What the connections page shows: a project's accounts at providers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.connections.models import Connection
from app.core.views import FormState


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """`status` is ready, refused (the key), unreachable or unchecked; `words` says it in a
    sentence.
    """

    id: int
    name: str
    kind: str
    base_url: str
    key_hint: str
    status: str
    words: str
    checked_at: datetime | None
    is_practice: bool


@dataclass(frozen=True, slots=True)
class IndexView:
    """Fields of the form: name, kind (hidden, openai), base_url, api_key. `form` is shown when
    `can_manage`.
    """

    project_id: int
    connections: tuple[ConnectionRow, ...]
    can_manage: bool
    form: FormState


def index(
    project_id: int, connections: Sequence[Connection], form: FormState, *, can_manage: bool
) -> IndexView:
    """The page of a project's connections."""
    return IndexView(project_id, tuple(_row(one) for one in connections), can_manage, form)


def _row(connection: Connection) -> ConnectionRow:
    status, words = _state(connection)
    return ConnectionRow(
        id=connection.id,
        name=connection.name,
        kind=connection.kind,
        base_url=connection.base_url,
        key_hint=connection.key_hint,
        status=status,
        words=words,
        checked_at=connection.checked_at,
        is_practice=connection.is_practice,
    )


def _state(connection: Connection) -> tuple[str, str]:
    if connection.refused_at is not None:
        return "refused", f"The key is refused: {connection.words}"
    if connection.words:
        return "unreachable", connection.words
    if connection.checked_at is None:
        return "unchecked", "Not asked yet."
    return "ready", "Answers."


@dataclass(frozen=True, slots=True)
class ConnectionResource:
    """A connection as the API gives it. The key is never given back, only its last characters."""

    id: int
    project_id: int
    name: str
    kind: str
    profile: str
    base_url: str
    key_hint: str
    status: str
    words: str
    created_at: datetime


def resource(connection: Connection) -> ConnectionResource:
    """The connection as the API gives it."""
    status, words = _state(connection)
    return ConnectionResource(
        id=connection.id,
        project_id=connection.project_id,
        name=connection.name,
        kind=connection.kind,
        profile=connection.profile,
        base_url=connection.base_url,
        key_hint=connection.key_hint,
        status=status,
        words=words,
        created_at=connection.created_at,
    )
