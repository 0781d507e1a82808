"""J16, J17, U10, U11: what is too large or too slow for every change, sent whole to the running
server, and read by a worker of its own under the limits of every instance.
"""

import http.client
import itertools
import re
import socket
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import pytest

from tests.formats.rows import question
from tests.processes import environment

pytestmark = [pytest.mark.full, pytest.mark.processes, pytest.mark.timeout(1200)]

PEAK_MB = 500
BLOCK = 2**20
GOOD = question("What is sent first?") + b"\n"
WORKER = """
import resource, sys
from app import worker
from app.core.database import read_only
from app.datasets import tasks
from app.datasets.models import DatasetVersion

worker.load()
version_id = int(sys.argv[1])
while True:
    tasks.check(version_id)
    with read_only() as session:
        if session.get_one(DatasetVersion, version_id).is_final:
            break
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def long_line():
    """One row of a gigabyte, between two others."""
    begin, end = question("LONG").split(b"LONG")
    return itertools.chain([GOOD, begin], itertools.repeat(b"x" * BLOCK, 1024), [end, b"\n", GOOD])


def tiny_lines(line):
    """A hundred million lines."""
    block = line * (BLOCK // len(line))
    return itertools.chain([GOOD], itertools.repeat(block, 10**8 * len(line) // len(block)))


def bomb():
    """A megabyte that would unpack to a gigabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(2**24)
    return [*(packer.compress(block) for _ in range(64)), packer.flush()]


MOST = "Refused: checking stopped at line 20,000,000, after 20,000,000 lines, the most a version"
WHOLE = {
    "J16 1 GB line": (long_line, "Refused: line 2 is too long. The line before it is fine."),
    "J17 empty lines": (lambda: tiny_lines(b"\n"), MOST),
    "J17 empty objects": (lambda: tiny_lines(b"{}\n"), MOST),
    "J17 numbers": (lambda: tiny_lines(b"1\n"), "Refused: line 2 is not a JSON object, and 9,999"),
    "U11 gzip bomb": (bomb, "Refused: the file is compressed with gzip."),
}


@pytest.mark.parametrize(("blocks", "words"), WHOLE.values(), ids=WHOLE)
def test_j_however_large_it_is_refused_in_bounded_memory(live, blocks, words):
    version_id = sent(live, blocks())
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(version_id)],
        env=environment(live.home, **live.program.env),
        check=True,
        capture_output=True,
        text=True,
    )
    version = live.get(f"/api/v1/dataset-versions/{version_id}").json
    found = live.get(f"/api/v1/dataset-versions/{version_id}/findings").json["data"]
    said = " ".join([version["reason"] or "", *(one["reason"] for one in found)])
    assert words in said
    peak = int(done.stdout.rpartition("peak ")[2]) / 1024
    assert peak < PEAK_MB
    for page in ("", "/rows", "/findings"):
        assert live.get(f"/dataset-versions/{version_id}{page}").status == 200
    status = Path(f"/proc/{live.program.process.pid}/status").read_text()
    assert int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024 < PEAK_MB


def sent(live, blocks):
    """The id of the version that came of these blocks."""
    line = http.client.HTTPConnection("127.0.0.1", live.port, timeout=120)
    path = live.fill("/projects/{project_id}/datasets/upload?name=rows.jsonl")
    line.request("PUT", path, blocks, live.cookies_of("owner"))
    answer = line.getresponse()
    assert answer.status == 202
    location = answer.read().decode().rpartition("/")[2]
    line.close()
    return int(location.strip('"}'))


def test_u10_who_sends_a_byte_a_second_or_none_is_let_go(live):
    said, parts = {}, list((live.home / "blobs").glob("*.part"))

    def send(name, gap):
        head = (
            f"PUT {live.fill('/projects/{project_id}/datasets/upload?name=slow.jsonl')} HTTP/1.1",
            f"Host: {live.host}",
            *(f"{key}: {value}" for key, value in live.cookies_of("owner").items()),
            "Content-Length: 1000",
        )
        with socket.create_connection(("127.0.0.1", live.port), timeout=120) as plug:
            plug.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
            plug.settimeout(gap)
            began = time.monotonic()
            while time.monotonic() - began < 100 and name not in said:
                try:
                    said[name] = plug.recv(65_536).decode()
                except TimeoutError:
                    plug.sendall(b"x")

    senders = [threading.Thread(target=send, args=words) for words in (("slow", 1), ("still", 90))]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert said["slow"].startswith("HTTP/1.1 408")
    assert "The upload is too slow; nothing was kept." in said["slow"]
    assert said["still"].startswith("HTTP/1.1 408")
    assert "The upload stands still; nothing was kept." in said["still"]
    assert list((live.home / "blobs").glob("*.part")) == parts
