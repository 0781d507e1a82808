"""The witness's process: reads a request, writes it down, does as the script or the rules say."""

import argparse
import json
import re
import sys
import time
import zlib
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from tests.witness import dice
from tests.witness.content import Rows, chunks_of, size_of
from tests.witness.control import CONTROLS
from tests.witness.journal import Journal, Request
from tests.witness.organisation import Organisation
from tests.witness.routes import follow
from tests.witness.rules import Refusal
from tests.witness.state import Json

DRIPPED_BYTES_A_SECOND = 10
A_GIGABYTE = 1 << 30


class Witness(ThreadingHTTPServer):
    """One server with its organisation, its script and its journal."""

    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked may die: that is theirs to tell."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def __init__(
        self, journal: Journal, keys: list[str], admin_keys: set[str], port: int = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), Conversation)
        self.journal, self.keys, self.admin_keys = journal, keys, admin_keys
        self.lock = Lock()
        self.begin()

    def begin(self) -> None:
        """As new."""
        self.organisation = Organisation(self.keys, self.admin_keys)
        self.dice = dice.of("faults")
        self.faults: list[Json] = []
        self.shifts: list[Json] = []

    def next_fault(self, route: str) -> Json | None:
        """The fault meant for this request, used up by it."""
        with self.lock:
            for fault in self.faults:
                if fault["times"] > 0 and re.fullmatch(fault["route"], route):
                    if self.dice.random() >= fault["chance"]:
                        continue
                    if fault["skip"] > 0:
                        fault["skip"] -= 1
                        continue
                    fault["skip"] = fault["every"] - 1
                    fault["times"] -= 1
                    return fault
        return None

    def shift(self, state: Any, route: str, answer: Any) -> None:
        """Let the list change of which a page is being sent, if the script says so."""
        for shift in self.shifts:
            if shift["page"] > 0 and answer.get("last_id") and re.fullmatch(shift["route"], route):
                shift["page"] -= 1
                if shift["page"] == 0:
                    state.shift(shift["how"], answer["first_id"], answer["last_id"])


class Conversation(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: Witness

    def log_message(self, *_: object) -> None:
        """Say nothing: the journal is the log."""

    def do_GET(self) -> None:
        self.converse()

    do_POST = do_DELETE = do_PATCH = do_PUT = do_GET  # noqa: N815 - the library's names

    def converse(self) -> None:
        path, _, query = self.path.partition("?")
        size = int(self.headers.get("content-length", 0))
        body = self.rfile.read(size)
        if len(body) < size:  # whoever asked died over it: nobody asked
            self.close_connection = True
            return
        if path.startswith("/_"):
            self.send(200, self.control(path, json.loads(body)))
            return
        form = self.form(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Request(self.command, path, query, headers, _without_bytes(form), len(body))
        self.number = self.server.journal.write(asked)
        fault = self.server.next_fault(asked.route)
        if fault is not None and fault["end"] != "real":
            self.misbehave(fault, asked, form)
            return
        time.sleep(self.server.organisation.latency + (fault["delay"] if fault else 0))
        self.send(*self.behave(asked, form))

    def form(self, body: bytes) -> Any:
        """JSON, or the fields of a form with files as (name, bytes)."""
        kind = self.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            return json.loads(body) if body else None
        message = BytesParser(policy=HTTP).parsebytes(
            b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body
        )
        fields: dict[str, Any] = {}
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            filename = part.get_filename()
            fields[str(name)] = content.decode() if filename is None else (filename, content)
        return fields

    def misbehave(self, fault: Json, asked: Request, form: Any) -> None:
        status, answer = fault["status"], fault["body"].encode()
        if fault["commits"]:
            made_status, made, _ = self.behave(asked, form)
            if not answer:
                status, answer = made_status, _bytes_of(made)
        if fault["end"] != "hang":
            time.sleep(fault["delay"])
        if fault["end"] == "drop":
            self.close_connection = True
            return
        if fault["end"] in {"flood", "bomb"}:
            self.overwhelm(fault, status)
            return
        self.head(status, {"content-type": "application/json", **fault["headers"]}, len(answer))
        if fault["end"] == "truncate":
            self.wfile.write(answer[: len(answer) // 2])
            self.close_connection = True
        elif fault["end"] == "hang":
            self.wfile.write(answer[: len(answer) // 2])
            self.wfile.flush()
            time.sleep(fault["delay"])
            self.close_connection = True
        elif fault["end"] == "drip":
            self.drip(answer)
        else:
            self.wfile.write(answer)

    def overwhelm(self, fault: Json, status: int) -> None:
        """Send five gigabytes, plainly or so packed that they are few on their way."""
        self.close_connection = True
        headers = {"content-type": "application/json", **fault["headers"]}
        try:
            if fault["end"] == "bomb":
                packed = _packed(A_GIGABYTE)
                self.head(status, {**headers, "content-encoding": "gzip"}, len(packed))
                self.wfile.write(packed)
                return
            self.head(status, headers, 5 * A_GIGABYTE)
            blanks = b" " * (1 << 20)
            for _ in range(5 * A_GIGABYTE // len(blanks)):
                self.wfile.write(blanks)
        except OSError:
            return

    def drip(self, answer: bytes) -> None:
        self.close_connection = True
        try:
            for byte in answer:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(1 / DRIPPED_BYTES_A_SECOND)
        except OSError:
            return

    def behave(self, asked: Request, form: Any) -> tuple[int, Any, dict[str, str]]:
        """What the rules say: status, JSON or a content or a list of chunks, and headers."""
        try:
            with self.server.lock:
                seen = self.server.organisation.admit(asked.key, asked.route)
                answer = follow(seen, asked, form)
                if self.server.shifts and isinstance(answer, dict):
                    self.server.shift(seen, asked.route, answer)
                return 200, answer, {}
        except Refusal as error:
            return error.status, error.body, error.headers

    def control(self, path: str, asked: Any) -> Any:
        """Do what a test's handle asks for."""
        server = self.server
        with server.lock:
            if path == "/_reset":
                server.begin()
                server.journal.clear()
            elif path == "/_faults":
                server.faults += asked
            elif path == "/_calm":
                server.faults = []
            elif path == "/_shifts":
                server.shifts += asked
            else:
                projects = server.organisation.projects
                state = projects[self.headers["x-witness-key"]]
                return CONTROLS[path](server.organisation, state, asked)
        return {}

    def head(self, status: int, headers: dict[str, str], size: int) -> None:
        """Everything before the body."""
        if not self.path.startswith("/_"):
            self.server.journal.answered(self.number, status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(size))
        self.end_headers()

    def send(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        kind = "application/json"
        if isinstance(answer, (bytes, Rows)):
            content, kind = answer, "application/octet-stream"
        elif isinstance(answer, list):
            lines = [*(json.dumps(chunk) for chunk in answer), "[DONE]"]
            content, kind = (
                "".join(f"data: {line}\n\n" for line in lines).encode(),
                "text/event-stream",
            )
        else:
            content = _bytes_of(answer)
        told = {"content-type": kind, "openai-organization": "witness-org", **(headers or {})}
        self.head(status, told, size_of(content))
        try:
            for chunk in chunks_of(content):
                self.wfile.write(chunk)
        except OSError:  # whoever asked has gone
            self.close_connection = True


def _packed(size: int) -> bytes:
    """So many blanks as gzip, but for its end: the same block again and again."""
    packer, blanks = zlib.compressobj(9, zlib.DEFLATED, 31), b" " * (1 << 20)
    first, again = (packer.compress(blanks) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (size // len(blanks) - 1)


def _bytes_of(answer: Any) -> bytes:
    """JSON as OpenAI sets it: two spaces a level. A content as it is."""
    if isinstance(answer, (bytes, Rows)):
        return b"".join(chunks_of(answer))
    try:
        return msgspec.json.format(msgspec.json.encode(answer), indent=2)
    except UnicodeEncodeError:  # half a character, which only JSON's own escapes can hold
        return json.dumps(answer, indent=2).encode()


def _without_bytes(form: Any) -> Any:
    if not isinstance(form, dict):
        return form
    return {
        name: {"filename": value[0], "bytes": len(value[1])} if isinstance(value, tuple) else value
        for name, value in form.items()
    }


def main() -> None:
    """Serve until killed; the first line printed is the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--admin-key", action="append", default=[])
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    server = Witness(Journal(given.journal), given.key, set(given.admin_key), given.port)
    print(server.server_port, flush=True)  # noqa: T201 - the parent reads it
    server.serve_forever()


if __name__ == "__main__":
    main()
