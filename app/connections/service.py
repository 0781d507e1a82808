"""Decisions about connections, and `open_connection`: the one way to a provider."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from app.auth import service as auth
from app.connections import queries, queries_hooks, standing, testing
from app.connections.allowance import Allowance
from app.connections.keys import (
    ADMIN_UNREADABLE,
    UNREADABLE,
    KeyUnreadable,
    forget_admin_key,
    is_same_place,
    move_keys,
    opened_admin_key,
    opened_key,
    opens,
    origin,
    seal_admin_key,
    seal_key,
)
from app.connections.models import Connection
from app.core import clock, secrets
from app.core.errors import Conflict, NotFound, WrongInput
from app.core.http import HttpOptions
from app.providers.base import Capabilities, NotPermitted, Provider
from app.providers.profiles import FALLBACK, profiles
from app.providers.registry import open_provider, profile_for

NOUNS = {
    "jobs": "job",
    "model_refs": "model",
    "rescue_parts": "rescue",
    "rescued_objects": "rescued object",
}
OTHER_ORIGIN = (
    "The stored key was given for {here} and is never sent to another server. "
    "Enter the key for {there}."
)
STAYS = (
    "Under way at {here}, and lost sight of if it moved: {named}. Wait until that has ended, or "
    "stop it; or add another connection for the new address."
)
STILL_CALLED = "Remove its webhook first: {label} would go on calling an address that is gone."
MOST_NAMED = 5
NO_ADMIN_KEY = "This connection has no admin key."
PRACTICES_OWN = "Practice is this instance's own trainer: its address and key keep themselves."

# What names a connection's unfinished work, of higher domains; filled by app/reactions.py.
UNDER_WAY: list[Callable[[Session, int], Sequence[str]]] = []


def create_connection(
    session: Session,
    *,
    project_id: int,
    actor_id: int,
    name: str,
    kind: str,
    base_url: str,
    api_key: str,
    is_tested: bool = True,
) -> Connection:
    """A new connection with its key sealed to its address; a worker tests it at once. Raises
    WrongInput when the name is taken.
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
        models_due_at=moment + standing.first_reading(),
        created_by=actor_id,
        created_at=moment,
    )
    session.add(connection)
    session.flush()
    seal_key(connection, api_key)
    if is_tested:
        testing.ask_for_test(session, connection, actor_id=actor_id)
    record(session, connection, "connection.created", actor_id, name=name)
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
    admin_key: str | None = None,
) -> None:
    """Rename it, point it elsewhere, give it another key; None leaves a thing as it is. Where its
    address or key is another, a worker tests it at once. At another origin its admin key is
    forgotten.

    Raises WrongInput when the name is taken, when another origin comes without a key, while jobs
    are under way at the old address, and for Practice, whose address and key are this instance's
    own.
    """
    # Nobody starts a job over it until the unit of work ends: it would be for the old address.
    session.refresh(connection, with_for_update=True)
    name = None if name == connection.name else name
    base_url = None if base_url == connection.base_url else base_url
    if connection.is_practice and admin_key is not None:
        raise WrongInput.field("admin_key", PRACTICES_OWN)
    _check_change(session, connection, name, base_url, has_key=api_key is not None)
    if name is not None:
        changed = {"name": name, "before": connection.name}
        connection.name = name
        record(session, connection, "connection.renamed", actor_id, **changed)
    if base_url is not None:
        changed = {"base_url": base_url, "before": connection.base_url}
        if origin(connection.base_url) != origin(base_url):
            remove_admin_key(session, connection, actor_id=actor_id)
            forget_hook(session, connection, actor_id=actor_id)
        _move(connection, base_url)
        standing.forget(session, connection)
        record(session, connection, "connection.moved", actor_id, name=connection.name, **changed)
    if api_key is not None:
        seal_key(connection, api_key)
        connection.key_set_at = clock.now(session)
        standing.forget(session, connection)
        record(session, connection, "connection.key_changed", actor_id, name=connection.name)
    if admin_key is not None:
        seal_admin_key(connection, admin_key)
        connection.admin_key_set_at = clock.now(session)
        words = {"name": connection.name}
        record(session, connection, "connection.admin_key_changed", actor_id, **words)
    if base_url is not None or api_key is not None:
        testing.ask_for_test(session, connection, actor_id=actor_id)
    standing.tell(session, connection)


def remove_admin_key(session: Session, connection: Connection, *, actor_id: int) -> None:
    """Forget its admin key, if there is one."""
    if connection.sealed_admin_key is None:
        return
    forget_admin_key(connection)
    record(session, connection, "connection.admin_key_removed", actor_id, name=connection.name)
    standing.tell(session, connection)


def forget_hook(session: Session, connection: Connection, *, actor_id: int) -> None:
    """Take its webhook's address away, if it has one: what comes there is told that there is
    nothing.
    """
    hook = queries_hooks.held_hook(session, connection.id)
    if hook is None:
        return
    session.delete(hook)
    connection.hooked_at = None
    record(session, connection, "connection.webhook_removed", actor_id, name=connection.name)
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
    if base_url is not None and not is_same_place(connection.base_url, base_url):
        _check_nothing_is_under_way(session, connection)
    if base_url is None or has_key:
        return
    here, there = origin(connection.base_url), origin(base_url)
    if here != there:
        shown = {"here": here.removesuffix(":443"), "there": there.removesuffix(":443")}
        raise WrongInput.field("api_key", OTHER_ORIGIN.format(**shown))
    if not opens(connection):
        raise WrongInput.field("api_key", UNREADABLE)


def _check_nothing_is_under_way(session: Session, connection: Connection) -> None:
    """A run is followed, stopped and looked for where it was ordered: elsewhere nobody knows it. A
    history comes home from where it lies.
    """
    names = [name for names_of in UNDER_WAY for name in names_of(session, connection.id)]
    if not names:
        return
    shown, more = names[:MOST_NAMED], len(names) - MOST_NAMED
    named = ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
    words = STAYS.format(
        here=origin(connection.base_url).removesuffix(":443"),
        named=named,
    )
    raise WrongInput.field("base_url", words)


def _move(connection: Connection, base_url: str) -> None:
    """To another path of its origin the keys come along; elsewhere new ones follow."""
    if origin(connection.base_url) == origin(base_url):
        move_keys(connection, base_url)
    else:
        connection.base_url = base_url
        connection.profile = profile_for(base_url)


def delete_connection(session: Session, connection: Connection, *, actor_id: int) -> None:
    """Remove it and its key. Raises Conflict for Practice, while anything uses it, and while its
    provider calls its webhook; NotFound when somebody else was faster.
    """
    if connection.is_practice:
        raise Conflict(PRACTICES_OWN)
    # Whoever starts a job over it just now is seen, or sees that it is gone.
    held = session.get(Connection, connection.id, with_for_update=True, populate_existing=True)
    if held is None:
        raise NotFound
    hook = queries_hooks.hook_of(session, connection.id)
    if hook is not None and hook.endpoint_id is not None:
        raise Conflict(STILL_CALLED.format(label=service_of(connection)))
    if used := queries.uses_of(session, connection.id):
        raise Conflict(f"{connection.name} stays: {_in_words(used)} came over it.")
    record(session, connection, "connection.removed", actor_id, name=connection.name)
    standing.tell(session, connection)
    session.delete(connection)
    session.flush()


def _in_words(used: dict[str, int]) -> str:
    return " and ".join(
        f"{count:,} {NOUNS.get(table, table.replace('_', ' '))}{'s' if count != 1 else ''}"
        for table, count in used.items()
    )


def record(
    session: Session, connection: Connection, verb: str, actor_id: int, **detail: str
) -> None:
    """Write into the project's history what somebody did to a connection."""
    auth.record(
        session,
        verb,
        f"connection:{connection.id}",
        actor_id=actor_id,
        project_id=connection.project_id,
        **detail,
    )


def open_connection(
    connection: Connection,
    http: HttpOptions | None = None,
    *,
    is_urgent: bool = False,
    as_admin: bool = False,
) -> Provider:
    """The provider behind a connection, which it asks no oftener than its profile allows, unless
    `http` brings a gate of its own; somebody waits for what `is_urgent`. No unit of work may be
    open while it is used. `as_admin` asks with the admin key: what it is refused says nothing of
    the connection's own key.

    Raises KeyUnreadable when the key was sealed under another secret, KeyRejected when it is none
    that could be sent; NotPermitted where there is no admin key that opens.
    """
    key = _admin_key(connection) if as_admin else _key(connection)
    options = http or HttpOptions()
    paced = replace(options, gate=options.gate or Allowance(connection, is_urgent=is_urgent))
    return open_provider(connection.kind, connection.base_url, key, connection.profile, paced)


def _key(connection: Connection) -> str:
    try:
        return opened_key(connection)
    except secrets.SealBroken as error:
        raise KeyUnreadable from error


def _admin_key(connection: Connection) -> str:
    try:
        key = opened_admin_key(connection)
    except secrets.SealBroken as error:
        raise NotPermitted(ADMIN_UNREADABLE) from error
    if key is None:
        raise NotPermitted(NO_ADMIN_KEY)
    return key


def capabilities_of(connection: Connection) -> Capabilities:
    """What can be done over a connection, as its profile says."""
    return profiles()[connection.profile].capabilities


def service_of(connection: Connection) -> str:
    """The service behind it by its name; one that no profile knows has the connection's."""
    if connection.profile == FALLBACK:
        return connection.name
    return capabilities_of(connection).label
