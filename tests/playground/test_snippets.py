"""What is copied from the page asks what it says, whatever stands in the question."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.playground.snippets import snippets

ASKED = {
    "text": 'Où? "\'`${x}""" \\\\ $(id) {{7*7}}\n\u202e',
    "columns": [{"connection_id": 3, "model": "ft:it's"}],
    "settings": {"temperature": 0.0, "tools": [{"type": "function", "strict": True, "x": None}]},
}
ANSWER = {
    "questions": [{"answers": [{"place": 0, "state": "done", "text": "Here.", "error": None}]}]
}


@pytest.fixture
def heard():
    """A server that answers a conversation, its address, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append((self.path, self.headers["authorization"], json.loads(body)))
            content = json.dumps(ANSWER).encode()
            self.send_response(201)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/it", asked
        server.shutdown()
        thread.join()


PROGRAMS = {
    "Python": [sys.executable, "-I", "-c"],
    "TypeScript": ["node", "--input-type=module", "-e"],
    "curl": ["bash", "-c"],
}
# What a machine lacks, it cannot be tried with.
HERE = [one for one in PROGRAMS if shutil.which("curl" if one == "curl" else PROGRAMS[one][0])]


@pytest.mark.parametrize("language", HERE)
def test_a_snippet_runs_as_it_is(heard, language):
    url, asked = heard
    code = {one.language: one.code for one in snippets(url, ASKED)}[language]
    done = subprocess.run(
        [*PROGRAMS[language], code],
        env={**os.environ, "LUTHIER_TOKEN": "lut_x"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Here." in done.stdout
    assert asked == [("/it", "Bearer lut_x", ASKED)]
