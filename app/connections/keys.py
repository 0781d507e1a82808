"""Sealed keys: one opens for its own row and the origin it was given for, and nowhere else."""

from urllib.parse import urlsplit

from app.connections.models import Connection
from app.core import secrets
from app.core.addresses import authority
from app.providers.base import KeyRejected

HINT_LENGTH = 4
UNREADABLE = "The key was sealed with another secret and cannot be opened. Enter it again."
ADMIN_UNREADABLE = (
    "The admin key was sealed with another secret and cannot be opened. Enter it again."
)


class KeyUnreadable(KeyRejected):
    """The key cannot even be opened: the instance's secret is another one than it was sealed with.
    Only entering it again helps.
    """

    def __init__(self) -> None:
        super().__init__(UNREADABLE)


def seal_key(connection: Connection, api_key: str) -> None:
    """Keep a key for the connection's present address; of its text only the end stays readable."""
    connection.sealed_key = secrets.seal(api_key, aad=_bound_to(connection.id, connection.base_url))
    connection.key_hint = _hint(api_key)


def _hint(key: str) -> str:
    return key[-HINT_LENGTH:] if len(key) > 2 * HINT_LENGTH else "…"


def opened_key(connection: Connection) -> str:
    """The key. Raises SealBroken when it was sealed with another secret or for another address."""
    return secrets.unseal(connection.sealed_key, aad=_bound_to(connection.id, connection.base_url))


def opens(connection: Connection) -> bool:
    """False when the key must be entered again: the instance's secret is another one."""
    try:
        opened_key(connection)
    except secrets.SealBroken:
        return False
    return True


def seal_admin_key(connection: Connection, admin_key: str) -> None:
    """Keep an admin key for the connection's present address, as `seal_key` does; neither opens in
    the other's place.
    """
    connection.sealed_admin_key = secrets.seal(admin_key, aad=_admin_bound_to(connection))
    connection.admin_key_hint = _hint(admin_key)


def opened_admin_key(connection: Connection) -> str | None:
    """The admin key, None where there is none. Raises SealBroken as `opened_key` does."""
    if connection.sealed_admin_key is None:
        return None
    return secrets.unseal(connection.sealed_admin_key, aad=_admin_bound_to(connection))


def admin_key_opens(connection: Connection) -> bool:
    """False where there is none, or it must be entered again."""
    try:
        return opened_admin_key(connection) is not None
    except secrets.SealBroken:
        return False


def forget_admin_key(connection: Connection) -> None:
    """As if there had never been one."""
    connection.sealed_admin_key = connection.admin_key_hint = connection.admin_key_set_at = None


def origin(url: str) -> str:
    """Scheme, host and port: where a request to this URL ends up, however it is written."""
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{authority(parts)}"


def is_same_place(url: str, other: str) -> bool:
    """True when two addresses are one, spelt differently."""
    return origin(url) == origin(other) and urlsplit(url).path == urlsplit(other).path


def move_keys(connection: Connection, base_url: str) -> None:
    """Take the sealed keys that open along to another spelling or path of the same origin."""
    if _bound_to(connection.id, base_url) == _bound_to(connection.id, connection.base_url):
        connection.base_url = base_url
        return
    api_key = opened_key(connection) if opens(connection) else None
    admin_key = opened_admin_key(connection) if admin_key_opens(connection) else None
    connection.base_url = base_url
    if api_key is not None:
        seal_key(connection, api_key)
    if admin_key is not None:
        seal_admin_key(connection, admin_key)


def _bound_to(connection_id: int, base_url: str) -> str:
    """What a sealed key opens for: this row and this origin alone."""
    parts = urlsplit(base_url)
    return f"connection {connection_id} {parts.scheme}://{parts.netloc}"


def _admin_bound_to(connection: Connection) -> str:
    return f"admin key of {_bound_to(connection.id, connection.base_url)}"
