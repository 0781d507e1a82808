"""A bad line to a server: it lets so many bytes through and then breaks, or falls silent."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE_BYTES = 65_536


class Line:
    """Forwards connections on `port` to a server's. `breaks_after` are the bytes that still go to
    the server before the line breaks and is down; `is_silent`: neither end hears of it.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self.port = int(self._listening.getsockname()[1])
        self.breaks_after: int | None = None
        self.is_silent = self.is_down = False
        self.breaks = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self, breaks_after: int | None = None) -> None:
        """Carry bytes again, for ever or until the next break; what hung is cut."""
        self.breaks_after, self.is_down = breaks_after, False
        for pair in list(self._pairs):
            _cut(pair)

    def serve(self) -> None:
        """Take connections until the line is closed."""
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def close(self) -> None:
        """Take nothing more and cut what is open."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.mend()

    def _carry(self, near: socket.socket) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(near)
            if self.is_down:
                return
            try:
                far = stack.enter_context(socket.create_connection(("127.0.0.1", self._target)))
            except OSError:  # the server is down
                return
            pair = (near, far)
            self._pairs.add(pair)
            stack.callback(self._pairs.discard, pair)
            with suppress(OSError):
                self._pump(near, far)
            _cut(pair)

    def _pump(self, near: socket.socket, far: socket.socket) -> None:
        while True:
            for ready in select.select([near, far], [], [])[0]:
                piece = ready.recv(PIECE_BYTES)
                if not piece:
                    return
                if ready is far:
                    near.sendall(piece)
                    continue
                if self.breaks_after is None or len(piece) < self.breaks_after:
                    self.breaks_after = self.breaks_after and self.breaks_after - len(piece)
                    far.sendall(piece)
                    continue
                far.sendall(piece[: self.breaks_after])
                self.breaks += 1
                self.is_down = True
                if self.is_silent:
                    _wait_until_cut(far)
                return


def _wait_until_cut(far: socket.socket) -> None:
    """What comes back from the server is lost; its end, and ours, still come."""
    while far.recv(PIECE_BYTES):
        pass


def _cut(pair: tuple[socket.socket, socket.socket]) -> None:
    for one in pair:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """A line to the server on this loopback port."""
    line = Line(port)
    thread = threading.Thread(target=line.serve, daemon=True)
    thread.start()
    try:
        yield line
    finally:
        line.close()
        thread.join(10)
        assert not thread.is_alive()
