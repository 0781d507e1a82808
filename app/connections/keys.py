"""Sealed keys: one opens for its own row and the origin it was given for, and nowhere else."""

from urllib.parse import urlsplit

from app.connections.models import Connection
from app.core import secrets
from app.core.addresses import authority
from app.providers.base import KeyRejected

HINT_LENGTH = 4
UNREADABLE = "The key was sealed with another secret and cannot be opened. Enter it again."


class KeyUnreadable(KeyRejected):
    """The key cannot even be opened: the instance's secret is another one than it was sealed with.
    Only entering it again helps.
    """

    def __init__(self) -> None:
        super().__init__(UNREADABLE)


def seal_key(connection: Connection, api_key: str) -> None:
    """Keep a key for the connection's present address; of its text only the end stays readable."""
    connection.sealed_key = secrets.seal(api_key, aad=_bound_to(connection.id, connection.base_url))
    connection.key_hint = api_key[-HINT_LENGTH:] if len(api_key) > 2 * HINT_LENGTH else "…"


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


def origin(url: str) -> str:
    """Scheme, host and port: where a request to this URL ends up, however it is written."""
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{authority(parts)}"


def is_same_place(url: str, other: str) -> bool:
    """True when two addresses are one, spelt differently."""
    return origin(url) == origin(other) and urlsplit(url).path == urlsplit(other).path


def move_key(connection: Connection, base_url: str) -> None:
    """Take the sealed key along to another spelling or path of the same origin.

    Raises SealBroken when the key cannot be opened to be sealed anew.
    """
    if _bound_to(connection.id, base_url) != _bound_to(connection.id, connection.base_url):
        api_key = opened_key(connection)
        connection.base_url = base_url
        seal_key(connection, api_key)
    connection.base_url = base_url


def _bound_to(connection_id: int, base_url: str) -> str:
    """What a sealed key opens for: this row and this origin alone."""
    parts = urlsplit(base_url)
    return f"connection {connection_id} {parts.scheme}://{parts.netloc}"
