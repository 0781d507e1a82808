"""A server of somebody else on this machine: it notes whoever comes, and misbehaves by its path."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOLD_SECONDS = 30
# What of an answer other programs have believed.
LURES = (
    "proxy_url", "base_url", "api_base", "root", "url", "next", "next_page", "upload_url",
    "webhook", "callback", "redirect_uri", "config", "src", "$ref", "@context",
)  # fmt: skip


@dataclass
class Catcher:
    """`seen` holds (path, Authorization) of every request; `host` is as LUTHIER_ALLOW_HOSTS names
    it. Set `let_go` to answer those who are held.
    """

    port: int
    seen: list[tuple[str, str]] = field(default_factory=list)
    let_go: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextmanager
def catching() -> Iterator[Catcher]:
    """Listen. `/to/CODE/PORT/…` redirects to that port with that code, `/hold/…` answers nobody
    for a while, `/lures/PORT/…` names that port wherever a client might look; `/…/models` lists
    none.
    """
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
            if parts[1] == "hold":
                caught.let_go.wait(HOLD_SECONDS)
            answer: dict[str, object] = {"object": "list", "data": []}
            self.send_response(200)
            if parts[1] == "lures":
                url = f"http://127.0.0.1:{parts[2]}/"
                answer |= dict.fromkeys(LURES, url) | {"allow_hosts": [url[7:-1]]}
                answer["data"] = [{"id": "gpt-4o-mini-2024-07-18", "object": "model", **answer}]
                for name in ("Location", "Content-Location", "Link", "Alt-Svc", "Refresh"):
                    self.send_header(name, f"<{url}>; rel=next" if name == "Link" else url)
                for name in ("X-Luthier-Trainer", "OpenAI-Organization", "Proxy", "Set-Cookie"):
                    self.send_header(name, url)
            content = json.dumps(answer).encode()
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
