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

from app.core import broker, owned
from tests.waiting import eventually


@contextmanager
def running() -> Iterator[str]:
    """A fresh server; its address, as REDIS_URL takes it."""
    folder = Path(tempfile.mkdtemp(prefix="luthier-broker-"))
    path = folder / "valkey.sock"
    (folder / "valkey").mkdir()
    server = subprocess.Popen(
        broker.command(folder, path),
        stdout=subprocess.DEVNULL,
        preexec_fn=functools.partial(owned.tie_to_parent, os.getpid()),  # noqa: PLW1509
    )
    try:
        eventually(lambda: broker.answers(path), within=10)
        yield broker.url(path)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
