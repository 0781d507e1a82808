"""The witness's process: reads a request, writes it down, does as the script or the rules say."""

import argparse
import json
import time
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from tests.witness.journal import Journal, Request
from tests.witness.routes import follow
from tests.witness.rules import Refusal
from tests.witness.state import Json, State


class Witness(ThreadingHTTPServer):
    """One server with its state, its script and its journal."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, journal: Journal, keys: set[str]) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.journal, self.keys = journal, keys
        self.state, self.lock = State(), Lock()
        self.faults: list[Json] = []

    def next_fault(self, route: str) -> Json | None:
        """The fault meant for this request, used up by it."""
        with self.lock:
            for fault in self.faults:
                if fault["route"] == route and fault["times"] > 0:
                    fault["times"] -= 1
                    return fault
        return None


class Conversation(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Witness

    def log_message(self, *_: object) -> None:
        """Say nothing: the journal is the log."""

    def do_GET(self) -> None:
        self.converse()

    do_POST = do_GET  # noqa: N815 - the library's name

    def converse(self) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if path.startswith("/_"):
            self.send(200, self.control(path, json.loads(body)))
            return
        form = self.form(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Request(self.command, path, query, headers, _without_bytes(form), len(body))
        self.server.journal.write(asked)
        fault = self.server.next_fault(asked.route)
        if fault is not None and fault["end"] != "real":
            self.misbehave(fault, asked, form)
            return
        if fault is not None:
            time.sleep(fault["delay"])
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
            made_status, made = self.behave(asked, form)
            if not answer:
                status, answer = made_status, json.dumps(made).encode()
        time.sleep(fault["delay"])
        if fault["end"] == "drop":
            self.close_connection = True
            return
        headers = {"content-type": "application/json", **fault["headers"]}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        if fault["end"] == "truncate":
            self.wfile.write(answer[: len(answer) // 2])
            self.close_connection = True
        elif fault["end"] == "drip":
            self.drip(answer)
        else:
            self.wfile.write(answer)

    def drip(self, answer: bytes) -> None:
        self.close_connection = True
        try:
            for byte in answer:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return

    def behave(self, asked: Request, form: Any) -> tuple[int, Any]:
        """What the rules say: status and JSON, bytes, or a list of chunks."""
        key = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.server.keys:
            return 401, Refusal(
                401, f"Incorrect API key provided: {key}.", code="invalid_api_key"
            ).body
        try:
            with self.server.lock:
                return 200, follow(self.server.state, asked, form)
        except Refusal as error:
            return error.status, error.body

    def control(self, path: str, asked: Any) -> Any:
        """Do what a test's handle asks for."""
        with self.server.lock:
            state = self.server.state
            if path == "/_reset":
                self.server.state, self.server.faults = State(), []
                self.server.journal.clear()
            elif path == "/_faults":
                self.server.faults += asked
            elif path == "/_set":
                for name, value in asked.items():
                    setattr(state, name, value)
            elif path == "/_run":
                state.move(asked["id"], asked)
            elif path == "/_event":
                return state.add_event(asked.pop("run_id"), **asked)
            elif path == "/_checkpoint":
                state.checkpoints[asked["fine_tuning_job_id"]].insert(0, asked)
            elif path == "/_file":
                return state.add_file(
                    asked["name"], asked["content"].encode("latin-1"), asked["purpose"]
                )
            elif path == "/_runs":
                return {"data": state.runs}
        return {}

    def send(self, status: int, answer: Any) -> None:
        is_stream = isinstance(answer, list)
        kind = "text/event-stream" if is_stream else "application/json"
        if isinstance(answer, bytes):
            content, kind = answer, "application/octet-stream"
        elif is_stream:
            lines = [*(json.dumps(chunk) for chunk in answer), "[DONE]"]
            content = "".join(f"data: {line}\n\n" for line in lines).encode()
        else:
            content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.send_header("openai-organization", "witness-org")
        self.end_headers()
        self.wfile.write(content)


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
    given = parser.parse_args()
    server = Witness(Journal(given.journal), set(given.key))
    print(server.server_port, flush=True)  # noqa: T201 - the parent reads it
    server.serve_forever()


if __name__ == "__main__":
    main()
