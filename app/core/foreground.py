"""What a long-running command owes the person at the terminal: sentences, one port, signals."""

import errno
import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BIND_TRIES = 5
BACKLOG = 512


class CannotStart(RuntimeError):
    """The reason, as a sentence for the person at the terminal."""


def say(text: str) -> None:
    """One line for the person; a terminal that is gone is no reason to fail."""
    with suppress(OSError, ValueError):
        print(text, flush=True)  # noqa: T201 - the terminal is the reader


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket the web process will answer on, kept open here so that its restart refuses nobody.

    Raises CannotStart when another program has the port. Port 0 takes any free one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for tries_left in reversed(range(BIND_TRIES)):
            try:
                server.bind((host, port))
                server.listen(BACKLOG)
                break
            except OSError as error:
                # The web of an instance killed a moment ago may still be dying.
                if error.errno != errno.EADDRINUSE or not tries_left:
                    raise CannotStart(_refusal(host, port, error)) from error
                time.sleep(0.1)
        yield server


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1
        return f"Port {port} is already in use. Choose another, for example: PORT={other} make run"
    return f"Cannot listen on {host}, port {port}: {error.strerror}."


class Signals:
    """What was asked of this process; `pause` ends early when something is."""

    def __init__(self, wake: int) -> None:
        self.stops = 0
        self._wake = wake

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Count a wish to stop. Once stopping, only another Ctrl-C counts: make passes SIGTERM on
        to a child that its process group has told already.
        """
        if number == signal.SIGINT or (number != signal.SIGCHLD and not self.stops):
            self.stops += 1

    def pause(self, seconds: float) -> None:
        """Sleep until a signal arrives, at most `seconds`."""
        select.select([self._wake], [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            os.read(self._wake, 4096)


@contextmanager
def signals() -> Iterator[Signals]:
    """Catch the signals that end us, and the one that tells of a child's end."""
    wake, poke = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(poke, False)
    asked = Signals(wake)
    before = {n: signal.signal(n, asked.note) for n in (*STOP_SIGNALS, signal.SIGCHLD)}
    earlier = signal.set_wakeup_fd(poke, warn_on_full_buffer=False)
    try:
        yield asked
    finally:
        signal.set_wakeup_fd(earlier)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(wake)
        os.close(poke)
