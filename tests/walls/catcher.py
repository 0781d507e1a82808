"""A server of somebody else on this machine: it notes whoever comes, and misbehaves by its path."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Catcher:
    """`seen` holds (path, Authorization) of every request; `host` is as LUTHIER_ALLOW_HOSTS names
    it.
    """

    port: int
    seen: list[tuple[str, str]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextmanager
def catching() -> Iterator[Catcher]:
    """Listen. `/to/CODE/PORT/…` redirects to that port with that code; `/…/models` lists none."""
    caught: Catcher

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            caught.seen.append((self.path, self.headers.get("Authorization", "")))
            parts = self.path.split("/")
            if parts[1] == "to":
                self.send_response(int(parts[2]))
                self.send_header("Location", f"http://127.0.0.1:{parts[3]}/{'/'.join(parts[4:])}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = json.dumps({"object": "list", "data": []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the base class finds methods by these names

        def log_message(self, *_: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    caught = Catcher(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield caught
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
