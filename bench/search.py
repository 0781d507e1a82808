"""Search in 1,000,000 rows / 2 GB: searchable within 4 minutes of the upload, first results under a
second, any page under 100 ms, no process over 500 MB.

    python -m bench.search [--bytes 2000000000] [--seed 1]

A real `make run`: the file is uploaded over loopback, the workers check it and take up its words
beside each other. Questions are asked of the page and of the API, cold at first; the limit beside
them is /livez, which touches nothing.
"""

import argparse
import json
import re
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench import make_data
from bench.upload import MB, Browser
from tests.journeys.api import OWNER
from tests.processes import Program, command_line, processes_of, proportional_bytes, start_luthier

CLAIM_READY, CLAIM_SEARCHABLE = 90, 240
CLAIM_FIRST_MS, CLAIM_PAGE_MS = 1000.0, 100.0
CLAIM_PROCESS_MB = 500
PIECE = 2**22
ASKS = 5
QUESTIONS: tuple[tuple[str, str], ...] = (
    ("the", ""),
    ("catalogue", ""),
    ("the", "assistant"),
    ("the number of people", ""),
    ('"the number of"', ""),
    ('"the the"', ""),
    ("photosynthesis", ""),
    ("photosynthesis -light", "user"),
    ("photosynthesis xylophone", ""),
    ("photosyn*", ""),
    ("con*", ""),
    ("the*", ""),
    ("the* con*", "user"),
    ("the* xylophone", ""),
    ('"the and"', ""),
    ("Case 777777", "system"),
    ("qqqqq", ""),
)


class Memory(threading.Thread):
    """The most memory (PSS) that each process of an instance held, looked at twice a second."""

    def __init__(self, home: Path) -> None:
        super().__init__(daemon=True)
        self.home, self.most = home, dict[str, int]()
        self.is_over = threading.Event()

    def run(self) -> None:
        """Until it is over."""
        while not self.is_over.wait(0.5):
            for pid in processes_of(self.home):
                try:
                    name = f"{pid} {command_line(pid)[-60:]}"
                except OSError:
                    continue
                held = proportional_bytes([pid])
                self.most[name] = max(self.most.get(name, 0), held)


def upload(browser: Browser, project: int, file: Path) -> int:
    """Send the file in one request; the id of its version."""
    size = file.stat().st_size
    query = urlencode({"name": file.name, "size": size})
    with file.open("rb") as source:
        _, content = browser.ask(
            "PUT",
            f"/projects/{project}/datasets/upload?{query}",
            iter(lambda: source.read(PIECE), b""),
            {"Content-Length": str(size), "Accept": "application/json"},
        )
    return int(json.loads(content)["location"].rpartition("/")[2])


def wait_for(browser: Browser, path: str, is_there: Any) -> float:
    """Seconds until the page says so."""
    begun = time.monotonic()
    while True:
        content = browser.ask("GET", path)[1].decode()
        if is_there(content):
            return time.monotonic() - begun
        time.sleep(0.5)


def ask(browser: Browser, version: int, words: str, role: str) -> tuple[float, list[float], str]:
    """Milliseconds of the first answer and of more pages, the last one too, and how many rows."""
    path = f"/dataset-versions/{version}/search?{urlencode({'q': words, 'role': role})}"
    taken, later, says = [], path, ""
    for _ in range(ASKS):
        begun = time.perf_counter()
        content = browser.ask("GET", later)[1].decode()
        taken.append((time.perf_counter() - begun) * 1000)
        says = says or " ".join(re.findall(r"<span data-says>\s*([^<]*)", content)).strip()
        found = re.search(r'id="page-later" href="([^"]+)"', content)
        is_last = found is None or len(taken) == ASKS - 1
        later = f"{path}&sort=-row" if is_last else found[1].replace("&amp;", "&")
    return taken[0], taken[1:], says


def measure(luthier: Program, file: Path) -> bool:
    """Everything on a running instance; whether the claims hold."""
    browser = Browser(luthier)
    browser.sign_in()
    found = re.search(r"/projects/(\d+)", browser.post("/projects", name="Bench"))
    assert found is not None
    memory = Memory(luthier.home)
    memory.start()
    begun = time.monotonic()
    version = upload(browser, int(found[1]), file)
    print(f"uploaded in {time.monotonic() - begun:.0f} s")
    begun = time.monotonic()
    wait_for(browser, f"/dataset-versions/{version}", lambda page: 'id="fine-tune"' in page)
    ready = time.monotonic() - begun
    print(f"ready {ready:.0f} s after the upload")
    wait_for(browser, f"/dataset-versions/{version}/search", lambda page: 'id="making"' not in page)
    searchable = time.monotonic() - begun
    words = luthier.home / "index" / f"{version}.fts.sqlite"
    print(f"searchable {searchable:.0f} s after it, {words.stat().st_size / MB:,.0f} MB")
    firsts, pages = [], []
    for question, role in QUESTIONS:
        first, more, says = ask(browser, version, question, role)
        firsts.append(first)
        pages += more
        print(f"  {question:<26}{role:<10} first {first:7.1f} ms  "
              f"pages {max(more):7.1f} ms at most   {says}")  # fmt: skip
    alone = max(live(browser) for _ in range(20))
    memory.is_over.set()
    memory.join()
    for name, held in sorted(memory.most.items(), key=lambda one: -one[1])[:6]:
        print(f"  {held / MB:5.0f} MB  {name}")
    print(f"the limit of a page, /livez: {alone:.1f} ms")
    figures = (
        ("ready after the upload, s", ready, CLAIM_READY),
        ("searchable after the upload, s", searchable, CLAIM_SEARCHABLE),
        ("first results, ms", max(firsts), CLAIM_FIRST_MS),
        ("any further page, ms", max(pages), CLAIM_PAGE_MS),
        ("largest process, MB", max(memory.most.values()) / MB, CLAIM_PROCESS_MB),
    )
    for name, figure, claim in figures:
        verdict = "holds" if figure <= claim else "DOES NOT HOLD"
        print(f"{name:<32}{figure:8.0f}   claim <= {claim:<6.0f}{verdict}")
    return all(figure <= claim for _, figure, claim in figures)


def live(browser: Browser) -> float:
    """Milliseconds of the page that touches nothing."""
    begun = time.perf_counter()
    browser.ask("GET", "/livez")
    return (time.perf_counter() - begun) * 1000


def main() -> int:
    """Make the file, measure, say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--bytes", type=int, default=2_000_000_000)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--file", type=Path, help="rows that are there already")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="luthier-") as folder:
        file = asked.file or Path(folder) / "rows.jsonl"
        if not asked.file:
            rows = make_data.write(file, seed=asked.seed, count=None, size=asked.bytes)
            print(f"{rows:,} rows, {file.stat().st_size / MB:,.0f} MB")
        with start_luthier(Path(folder) / "home", **OWNER) as luthier:
            is_kept = measure(luthier, file)
            luthier.stop()
    return 0 if is_kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
