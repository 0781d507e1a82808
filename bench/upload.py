"""Upload by a raw client, in one request and by tus in parts: at least 200 MB/s on loopback, memory
flat.

    python -m bench.upload [--gigabytes 2]

The limit beside it is this machine hashing and writing the same bytes to the same disk and forcing
them there, with no network and no server in between. Completing is timed also in a process that did
not see the bytes come and must read them. A real Chromium's figure is printed too, where there is
one.
"""

import argparse
import hashlib
import http.client
import json
import os
import re
import signal
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from tests.browser.conftest import chromium_path
from tests.journeys.api import OWNER
from tests.processes import Program, start_luthier
from tests.waiting import eventually

CLAIM_MB_PER_SECOND = 200
CLAIM_GROWTH_MB = 32
MB = 1_000_000
WARM_UP_BYTES = 64 * MB
PART_BYTES = 64 * 2**20  # as static/js/transfer.js
EMAIL, PASSWORD = OWNER.values()
ROW = {
    "messages": [
        {"role": "user", "content": "When does my new card arrive? " * 30},
        {"role": "assistant", "content": "card_arrival"},
    ]
}


class Browser:
    """Just enough of one: a cookie, a CSRF token, and the raw PUT of static/js/upload.js."""

    def __init__(self, luthier: Program) -> None:
        host = luthier.address.removeprefix("http://")
        self.origin = luthier.address
        self.connection = http.client.HTTPConnection(host, timeout=120)
        self.headers: dict[str, str] = {"Origin": self.origin}
        self.cookies: dict[str, str] = {}

    def sign_in(self) -> None:
        """Through the form, like a person."""
        self.post("/login", email=EMAIL, password=PASSWORD, next="/")
        page = self.ask("GET", "/projects/new")[1].decode()
        self.headers["X-CSRF-Token"] = re.search(r'"X-CSRF-Token": "([^"]+)"', page)[1]

    def post(self, path: str, **fields: str) -> str:
        """Send a form; where it leads."""
        body = urlencode({**fields, "csrf": self.headers.get("X-CSRF-Token", "")})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, body, headers)[0].get("location", "")

    def ask(self, method, path, body=None, more=()):
        """Headers and body of an answer; a cookie that comes with it is kept."""
        self.connection.request(method, path, body, {**self.headers, **dict(more)})
        answer = self.connection.getresponse()
        content = answer.read()
        for cookie in answer.headers.get_all("set-cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            self.headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]!r}")
        return answer.headers, content

    def upload_in_parts(self, project: int, blocks: list[bytes]) -> tuple[float, str]:
        """Megabytes per second from the first byte sent until all are safe, and where they are."""
        size = sum(map(len, blocks))
        started = time.perf_counter()
        begun, _ = self.ask(
            "POST", f"/projects/{project}/uploads", None, {"Upload-Length": str(size)}
        )
        offset, step = 0, PART_BYTES // len(blocks[0])
        for place in range(0, len(blocks), step):
            part = blocks[place : place + step]
            length = sum(map(len, part))
            words = {
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
                "Content-Length": str(length),
            }
            self.ask("PATCH", begun["location"], iter(part), words)
            offset += length
        return size / MB / (time.perf_counter() - started), begun["location"]

    def complete(self, place: str) -> float:
        """Seconds until what has arrived is a dataset."""
        started = time.perf_counter()
        _, content = self.ask("POST", f"{place}/complete")
        assert json.loads(content)["location"]
        return time.perf_counter() - started

    def upload(self, project: int, blocks: list[bytes]) -> float:
        """Megabytes per second from the first byte sent to the answer."""
        size = sum(map(len, blocks))
        query = urlencode({"name": f"{size}.jsonl", "size": size})
        started = time.perf_counter()
        _, content = self.ask(
            "PUT",
            f"/projects/{project}/datasets/upload?{query}",
            iter(blocks),
            {"Content-Length": str(size), "Accept": "application/json"},
        )
        seconds = time.perf_counter() - started
        assert json.loads(content)["location"]
        return size / MB / seconds


def blocks_of(size: int) -> list[bytes]:
    """About `size` bytes of rows, as one block named many times: the client needs no memory."""
    line = json.dumps(ROW).encode() + b"\n"
    block = line * (4 * 2**20 // len(line))
    return [block] * max(1, size // len(block))


def limit(place: Path, blocks: list[bytes]) -> float:
    """Megabytes per second of hashing and writing alone."""
    started = time.perf_counter()
    digest = hashlib.sha256()
    with (place / "limit").open("wb") as target:
        for block in blocks:
            digest.update(block)
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    seconds = time.perf_counter() - started
    (place / "limit").unlink()
    return sum(map(len, blocks)) / MB / seconds


def by_chromium(address: str, project: int, file: Path, blocks: list[bytes]) -> float:
    """Megabytes per second of choosing the file on the page, until its answer is there."""
    from playwright.sync_api import sync_playwright  # not installed where there is no Chromium

    from bench.live import open_page

    with file.open("wb") as target:
        target.writelines(blocks)
    with sync_playwright() as playwright:
        page = open_page(playwright, address)
        page.goto(f"{address}/projects/{project}/datasets")
        started = time.perf_counter()
        with page.expect_response("**/uploads/*/complete", timeout=300_000):
            page.locator("input[type=file]").set_input_files(file)
        seconds = time.perf_counter() - started
    file.unlink()
    return sum(map(len, blocks)) / MB / seconds


def peak_mb(pid: int) -> float:
    """The most memory the process ever had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024 / MB


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--gigabytes", type=float, default=2)
    asked = words.parse_args()
    blocks = blocks_of(int(asked.gigabytes * 1000 * MB))
    size = sum(map(len, blocks)) / MB
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as folder,
        start_luthier(Path(folder) / "home", **OWNER) as luthier,
    ):
        browser = Browser(luthier)
        browser.sign_in()
        project = int(re.search(r"/projects/(\d+)", browser.post("/projects", name="Bench"))[1])
        web = luthier.child("web")
        browser.upload(project, blocks_of(WARM_UP_BYTES))
        before = peak_mb(web)
        plain = browser.upload(project, blocks)
        parts, place = browser.upload_in_parts(project, blocks)
        seconds = browser.complete(place)
        growth = peak_mb(web) - before
        print(f"upload of {asked.gigabytes:g} GB in one request: {plain:.0f} MB/s")
        print(f"by tus in parts of 64 MiB: {parts:.0f} MB/s, completed in {seconds:.2f} s")
        place = browser.upload_in_parts(project, blocks)[1]
        os.kill(web, signal.SIGKILL)
        eventually(lambda: luthier.child("web") != web and luthier.health()[0] == 200, 60)
        browser.connection.close()
        web, seconds = luthier.child("web"), browser.complete(place)
        growth = max(growth, peak_mb(web) - before)
        print(f"completed by another process: {seconds:.2f} s, {size / seconds:.0f} MB/s read")
        print(f"peak memory +{growth:.0f} MB")
        if chromium_path() is not None:
            shown = by_chromium(luthier.address, project, Path(folder) / "rows.jsonl", blocks)
            print(f"by Chromium, from its file dialog to the answer: {shown:.0f} MB/s")
        luthier.stop()
        disk = limit(Path(folder), blocks)
        print(f"hashing and writing alone: {disk:.0f} MB/s")
        print(f"by tus: {parts / plain:.0%} of one request, {parts / disk:.0%} of the limit")
        print(f"the claim: both >= {CLAIM_MB_PER_SECOND} MB/s, < +{CLAIM_GROWTH_MB} MB")
    is_fast = min(plain, parts) >= CLAIM_MB_PER_SECOND
    return 0 if is_fast and growth < CLAIM_GROWTH_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
