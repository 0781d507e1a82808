"""A webhook's endpoint at its provider, by the provider's own API: made, rotated, tried, removed.

The endpoint's secret is told once. Before each question it is noted that one is out: a process that
dies before it kept the answer leaves a note on the page, and asking again puts it right.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import cast

from app.connections import hook_setup, queries_hooks, service, standing
from app.connections.hook_secrets import path_of, url_of
from app.connections.models import Connection, Hook
from app.core.database import read_only, unit_of_work
from app.core.errors import Conflict, ProviderFailed, TooMany
from app.core.http import HttpOptions
from app.providers.base import (
    AllowanceSpent,
    Hooks,
    HookSecret,
    KeyRejected,
    NotFound,
    ProviderError,
    RequestRejected,
)

NO_API = "{label} has no API for webhooks: make the endpoint there by hand."
BY_HAND = "This endpoint was made at the provider by hand: change it there."
# The provider understood, or was never asked: nothing has changed there.
DEFINITE = (RequestRejected, KeyRejected, AllowanceSpent)


def set_up(connection: Connection, *, user_id: int) -> None:
    """Make the endpoint at the provider and keep its secret; one that an earlier try left behind
    goes. Raises Conflict, ProviderFailed, TooMany.
    """
    with unit_of_work() as session:
        hook_setup.begin(session, hook_setup.held(session, connection), actor_id=user_id)

    def ask(provider: Hooks, hook: Hook) -> HookSecret:
        path, url = path_of(hook), url_of(hook)
        assert path is not None and url is not None  # noqa: S101, PT018 - `begin` made one that opens
        endpoints = provider.hook_endpoints()
        for known in endpoints:
            if known.url.endswith(path) and known.endpoint_id != hook.endpoint_id:
                provider.delete_hook(known.endpoint_id)
        given = provider.create_hook(f"Luthier: {connection.name}", url)
        # The one that is good goes last: whatever fails before, it is still there.
        if hook.endpoint_id in {known.endpoint_id for known in endpoints}:
            with suppress(ProviderError):
                provider.delete_hook(hook.endpoint_id)
        return given

    _secret(connection, user_id, ask)


def rotate(connection: Connection, *, user_id: int) -> None:
    """Let the provider make another secret, and keep it beside the old one. Raises as `set_up`."""
    _secret(
        connection,
        user_id,
        lambda provider, hook: provider.rotate_hook(_endpoint(connection, hook)),
    )


def _secret(connection: Connection, user_id: int, ask: Callable[[Hooks, Hook], HookSecret]) -> None:
    with unit_of_work() as session:
        hook = hook_setup.ask(session, hook_setup.held(session, connection))
    try:
        with _asking(connection) as provider:
            given = ask(provider, hook)
        with unit_of_work() as session:
            row = hook_setup.held(session, connection)
            hook_setup.record_secret(session, row, given, actor_id=user_id)
    except (Conflict, ProviderFailed, TooMany) as error:
        with unit_of_work() as session:
            is_settled = isinstance(error.__cause__, DEFINITE)
            hook_setup.stop_asking(session, connection, is_settled=is_settled)
        raise


def test(connection: Connection) -> int:
    """Let the provider deliver a sample now; with which status this instance answered it. Raises
    as `set_up`.
    """
    hook = _hook(connection)
    with _asking(connection) as provider:
        return provider.test_hook(_endpoint(connection, hook))


def remove(connection: Connection, *, user_id: int, here_only: bool = False) -> None:
    """Remove the endpoint at the provider, then the address here; with `here_only` what stays there
    knocks at a door that is gone. Raises as `set_up`.
    """
    hook = _hook(connection)
    if hook.endpoint_id is not None and not here_only:
        with _asking(connection) as provider, suppress(NotFound):
            provider.delete_hook(hook.endpoint_id)
    with unit_of_work() as session:
        row = hook_setup.held(session, connection)
        service.forget_hook(session, row, actor_id=user_id)


def _hook(connection: Connection) -> Hook:
    with read_only() as session:
        hook = queries_hooks.hook_of(session, connection.id)
    if hook is None:
        raise Conflict(hook_setup.NOT_SET_UP)
    return hook


def _endpoint(connection: Connection, hook: Hook) -> str:
    if hook.endpoint_id is None:
        raise Conflict(BY_HAND.format(label=service.service_of(connection)))
    return hook.endpoint_id


@contextmanager
def _asking(connection: Connection) -> Iterator[Hooks]:
    """The provider, its refusals in our words; a key it turns down is told where people look."""
    label = service.service_of(connection)
    if not hook_setup.can_set_up(connection):
        raise Conflict(NO_API.format(label=label))
    # Somebody waits for the answer; a few short questions are asked.
    patience = HttpOptions(connect_seconds=5, read_seconds=20, total_seconds=30)
    try:
        with closing(service.open_connection(connection, patience, is_urgent=True)) as provider:
            yield cast("Hooks", provider)
    except AllowanceSpent as error:
        raise TooMany(f"{error.message} Try again in a moment.") from error
    except ProviderError as error:
        if isinstance(error, KeyRejected):
            with unit_of_work() as session:
                standing.record_failure(session, connection, error)
        raise ProviderFailed(error.message) from error
