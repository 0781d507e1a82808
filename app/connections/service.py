"""Decisions about connections, and `open_connection`: the one way to a provider."""

from dataclasses import replace

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import queries, standing
from app.connections.allowance import Allowance
from app.connections.keys import (
    UNREADABLE,
    KeyUnreadable,
    move_key,
    opened_key,
    opens,
    origin,
    seal_key,
)
from app.connections.models import Connection
from app.core import clock, secrets
from app.core.errors import Conflict, WrongInput
from app.core.http import HttpOptions
from app.providers.base import Capabilities, Provider
from app.providers.profiles import profiles
from app.providers.registry import open_provider, profile_for

NOUNS = {"jobs": "job", "model_refs": "model"}
OTHER_ORIGIN = (
    "The stored key was given for {here} and is never sent to another server. "
    "Enter the key for {there}."
)
PRACTICES_OWN = "Practice is this instance's own trainer: its address and key keep themselves."


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
    moment = clock.now(session)
    connection = Connection(
        project_id=project_id,
        name=name,
        kind=kind,
        profile=profile_for(base_url),
        base_url=base_url,
        sealed_key=b"",
        key_hint="",
        key_set_at=moment,
        created_by=actor_id,
        created_at=moment,
    )
    session.add(connection)
    session.flush()
    seal_key(connection, api_key)
    _record(session, connection, "connection.created", actor_id, name=name)
    standing.tell(session, connection)
    return connection


def change_connection(
    session: Session,
    connection: Connection,
    *,
    actor_id: int,
    name: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
) -> None:
    """Rename it, point it elsewhere, give it another key; None leaves a thing as it is.

    Raises WrongInput when the name is taken, when another origin comes without a key, and for
    Practice, whose address and key are this instance's own.
    """
    name = None if name == connection.name else name
    base_url = None if base_url == connection.base_url else base_url
    _check_change(session, connection, name, base_url, has_key=api_key is not None)
    if name is not None:
        changed = {"name": name, "before": connection.name}
        connection.name = name
        _record(session, connection, "connection.renamed", actor_id, **changed)
    if base_url is not None:
        changed = {"base_url": base_url, "before": connection.base_url}
        _move(connection, base_url)
        standing.forget(session, connection)
        _record(session, connection, "connection.moved", actor_id, name=connection.name, **changed)
    if api_key is not None:
        seal_key(connection, api_key)
        connection.key_set_at = clock.now(session)
        standing.forget(session, connection)
        _record(session, connection, "connection.key_changed", actor_id, name=connection.name)
    standing.tell(session, connection)


def _check_change(
    session: Session,
    connection: Connection,
    name: str | None,
    base_url: str | None,
    *,
    has_key: bool,
) -> None:
    if connection.is_practice and (base_url is not None or has_key):
        raise WrongInput.field("base_url" if base_url is not None else "api_key", PRACTICES_OWN)
    if name is not None and queries.has_name(session, connection.project_id, name):
        raise WrongInput.field("name", f"This project has a connection called {name} already.")
    if base_url is None or has_key:
        return
    here, there = origin(connection.base_url), origin(base_url)
    if here != there:
        shown = {"here": here.removesuffix(":443"), "there": there.removesuffix(":443")}
        raise WrongInput.field("api_key", OTHER_ORIGIN.format(**shown))
    if not opens(connection):
        raise WrongInput.field("api_key", UNREADABLE)


def _move(connection: Connection, base_url: str) -> None:
    """To another path of its origin the key comes along; elsewhere a new one follows."""
    if origin(connection.base_url) == origin(base_url) and opens(connection):
        move_key(connection, base_url)
    else:
        connection.base_url = base_url
        connection.profile = profile_for(base_url)


def delete_connection(session: Session, connection: Connection, *, actor_id: int) -> None:
    """Remove it and its key. Raises Conflict for Practice, and while anything uses it."""
    if connection.is_practice:
        raise Conflict(PRACTICES_OWN)
    if used := queries.uses_of(session, connection.id):
        raise Conflict(f"{connection.name} stays: {_in_words(used)} came over it.")
    _record(session, connection, "connection.removed", actor_id, name=connection.name)
    standing.tell(session, connection)
    session.delete(connection)
    session.flush()


def _in_words(used: dict[str, int]) -> str:
    return " and ".join(
        f"{count:,} {NOUNS.get(table, table.replace('_', ' '))}{'s' if count != 1 else ''}"
        for table, count in used.items()
    )


def _record(
    session: Session, connection: Connection, verb: str, actor_id: int, **detail: str
) -> None:
    auth.record(
        session,
        verb,
        f"connection:{connection.id}",
        actor_id=actor_id,
        project_id=connection.project_id,
        **detail,
    )


def open_connection(
    connection: Connection, http: HttpOptions | None = None, *, is_urgent: bool = False
) -> Provider:
    """The provider behind a connection, which it asks no oftener than its profile allows; somebody
    waits for what `is_urgent`. No unit of work may be open while it is used.

    Raises KeyUnreadable when the key was sealed under another secret, KeyRejected when it is none
    that could be sent.
    """
    try:
        key = opened_key(connection)
    except secrets.SealBroken as error:
        raise KeyUnreadable from error
    paced = replace(http or HttpOptions(), gate=Allowance(connection, is_urgent=is_urgent))
    return open_provider(connection.kind, connection.base_url, key, connection.profile, paced)


def capabilities_of(connection: Connection) -> Capabilities:
    """What can be done over a connection, as its profile says."""
    return profiles()[connection.profile].capabilities
