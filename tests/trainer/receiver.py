"""A real receiver of webhooks on loopback: it answers as told and keeps what arrived."""

import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """What stays the same at every attempt."""
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`answers[path]` are the statuses still to give, then 200; a path of `hung` never answers.
    `words[path]` is the body of its answers, `headers[path]` what they carry.
    """

    answers: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    words: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    hung: set[str] = field(default_factory=set)
    received: list[Received] = field(default_factory=list)
    _released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
                if self.path in receiver.hung:
                    receiver._released.wait()
                    return
                left = receiver.answers[self.path]
                self.send_response(left.pop(0) if left else 200)
                self.send_header("location", "/elsewhere")
                for name, value in receiver.headers.get(self.path, {}).items():
                    self.send_header(name, value)
                words = receiver.words.get(self.path, b"")
                self.send_header("content-length", str(len(words)))
                self.end_headers()
                with suppress(ConnectionError):  # a sender reads no more than it keeps
                    self.wfile.write(words)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str) -> str:
        """The address of one path."""
        return f"http://{self.host}{path}"

    def at(self, path: str) -> list[Received]:
        """What arrived there."""
        return [one for one in self.received if one.path == path]

    def arrived(self, path: str, count: int = 1) -> Callable[[], list[Received] | None]:
        """A condition to wait for: so many requests arrived there."""
        return lambda: found if len(found := self.at(path)) >= count else None

    def close(self) -> None:
        """Let everything go."""
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
