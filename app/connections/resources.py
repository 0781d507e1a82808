"""Connections as the API gives them: never a key, only its end."""

from dataclasses import dataclass
from datetime import datetime

from app.connections.keys import ADMIN_UNREADABLE, admin_key_opens
from app.connections.models import Connection
from app.connections.views import state_of


@dataclass(frozen=True, slots=True)
class PermissionResource:
    """Whether the key may do one thing, with the provider's words where it may not."""

    name: str
    is_allowed: bool
    words: str | None


@dataclass(frozen=True, slots=True)
class AccountResource:
    """What the last test found, and when. None is what the provider does not say; `shows_tags` says
    whether its list tells of the tags of runs.
    """

    organization: str | None
    project: str | None
    models: list[str]
    permissions: list[PermissionResource]
    shows_tags: bool | None
    tested_at: datetime


@dataclass(frozen=True, slots=True)
class AdminKeyResource:
    """The admin key of a connection: its last characters, and words where it cannot be used."""

    hint: str
    set_at: datetime
    words: str | None


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
    key_set_at: datetime | None
    admin_key: AdminKeyResource | None
    status: str
    words: str
    account: AccountResource | None
    created_at: datetime


def resource(connection: Connection) -> ConnectionResource:
    """The connection as the API gives it."""
    status, words = state_of(connection)
    return ConnectionResource(
        id=connection.id,
        project_id=connection.project_id,
        name=connection.name,
        kind=connection.kind,
        profile=connection.profile,
        base_url=connection.base_url,
        key_hint=connection.key_hint,
        key_set_at=connection.key_set_at,
        admin_key=_admin_key_resource(connection),
        status=status,
        words=words,
        account=_account_resource(connection),
        created_at=connection.created_at,
    )


def _admin_key_resource(connection: Connection) -> AdminKeyResource | None:
    hint, set_at = connection.admin_key_hint, connection.admin_key_set_at
    if hint is None or set_at is None:
        return None
    words = None if admin_key_opens(connection) else ADMIN_UNREADABLE
    return AdminKeyResource(hint, set_at, words)


def _account_resource(connection: Connection) -> AccountResource | None:
    found = connection.account
    if found is None or connection.account_at is None:
        return None
    return AccountResource(
        organization=found["organization"],
        project=found["project"],
        models=list(found["models"]),
        permissions=[PermissionResource(**one) for one in found["permissions"]],
        shows_tags=found.get("shows_tags"),
        tested_at=connection.account_at,
    )
