"""A real broker for tests: the wheel's Valkey server on a unix socket, gone afterwards."""

import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core import broker, owned
from tests.waiting import eventually


@dataclass
class Broker:
    """A server with its files in `folder`; a test may kill its own and start it again."""

    folder: Path
    _server: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        """Its socket."""
        return self.folder / "valkey.sock"

    @property
    def url(self) -> str:
        """Its address, as REDIS_URL takes it."""
        return broker.url(self.path)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._server = subprocess.Popen(
            broker.command(self.folder, self.path),
            stdout=subprocess.DEVNULL,
            preexec_fn=functools.partial(owned.tie_to_parent, os.getpid()),  # noqa: PLW1509
        )
        eventually(lambda: broker.answers(self.path))

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it; with SIGKILL as a crash does."""
        assert self._server is not None
        self._server.send_signal(how)
        self._server.wait(10)


@contextmanager
def mortal() -> Iterator[Broker]:
    """A fresh server of one test alone."""
    server = Broker(Path(tempfile.mkdtemp(prefix="luthier-broker-")))
    (server.folder / "valkey").mkdir()
    try:
        server.start()
        yield server
    finally:
        server.end()
        shutil.rmtree(server.folder, ignore_errors=True)


@contextmanager
def running() -> Iterator[str]:
    """A fresh server; its address."""
    with mortal() as server:
        yield server.url
