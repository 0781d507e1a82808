"""A million rows, 2 GB: ready in 90 s, no process over 500 MB, any page of it under 100 ms.

    python -m bench.million [--rows 1000000] [--asks 20] [--file FILE]

The whole program as it runs on one machine: the file is uploaded by one request, and the seconds
count from its answer until the version is ready. The limit beside them is the tokenizer alone, on
one core as the check, on a part of the same file. Memory is the most that each process had
resident, pages shared with others included. Where the check stands is read from the page, as a
person would.
"""

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from app.core.tokens import counter
from bench import make_data
from bench.upload import MB, Browser, peak_mb
from tests.journeys.api import OWNER
from tests.processes import Program, command_line, processes_of, start_luthier

CLAIM_READY_SECONDS = 90.0
CLAIM_PAGE_MS = 100.0
CLAIM_PEAK_MB = 500.0
SAMPLE_BYTES = 100 * MB
PIECE_BYTES = 4 * 2**20
PHASE = re.compile(r'aria-current="step".*?<span>([^<]+)<', re.DOTALL)


def pieces(path: Path) -> Iterator[bytes]:
    """The file as it is sent."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def alone(rows: bytes) -> float:
    """Seconds for counting the tokens of every message's text, the texts read beforehand."""
    texts = [
        message["content"]
        for row in msgspec.json.Decoder().decode_lines(rows)
        for message in row["messages"]
    ]
    count = counter()
    count("warm")
    begun = time.perf_counter()
    for text in texts:
        count(text)
    return time.perf_counter() - begun


def limit(path: Path) -> float:
    """Seconds that one core would need for the tokens of the whole file, and nothing else."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    sample = sample[: sample.rindex(b"\n") + 1]
    with ProcessPoolExecutor(1) as core:  # its memory goes with it
        seconds = core.submit(alone, sample).result()
    return seconds * path.stat().st_size / len(sample)


class Peaks:
    """The most memory of each process so far, by its command line."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.by_process: dict[tuple[int, str], float] = {}

    def look(self) -> None:
        """Look at all of them now."""
        for pid in processes_of(self.home):
            try:
                name, peak = command_line(pid), peak_mb(pid)
            except (OSError, TypeError):  # it ended meanwhile
                continue
            words = name.partition(" -m app ")[2] or name.split(" ")[0]
            self.by_process[pid, words] = peak

    def say(self) -> float:
        """Print them; the largest in MB."""
        for (pid, words), peak in sorted(self.by_process.items(), key=lambda one: -one[1])[:12]:
            print(f"  peak {peak:6.0f} MB  {pid} {words[:60]}")
        return max(self.by_process.values())


def make_ready(luthier: Program, browser: Browser, project: int, path: Path) -> tuple[str, float]:
    """Upload and wait; where the version is, and the seconds until it is ready."""
    size = path.stat().st_size
    query = urlencode({"name": path.name, "size": size})
    started = time.perf_counter()
    _, answer = browser.ask(
        "PUT",
        f"/projects/{project}/datasets/upload?{query}",
        pieces(path),
        {"Content-Length": str(size), "Accept": "application/json"},
    )
    stored = time.perf_counter()
    print(f"uploaded in {stored - started:.1f} s")
    where = msgspec.json.decode(answer)["location"]
    peaks, phases = Peaks(luthier.home), []
    while True:
        page = browser.ask("GET", f"{where}/progress")[1].decode()
        seconds = time.perf_counter() - stored
        if 'hx-trigger="changed' not in page:
            break
        if (shown := PHASE.search(page)) and shown[1] not in [name for name, _ in phases]:
            phases.append((shown[1], seconds))
        peaks.look()
        time.sleep(0.25)
    for name, at in phases:
        print(f"  the page shows “{name}” from {at:.1f} s on")
    print(f"ready after {seconds:.1f} s, {size / MB / seconds:.1f} MB/s")
    assert "ready to train on" in page, page[:2000]
    return where, seconds


def pages_of(where: str, rows: int) -> dict[str, str]:
    """What a person opens, and what would be dear if it were not indexed."""
    return {
        "report": where,
        "rows, first": f"{where}/rows",
        "rows, a jump to the middle": f"{where}/rows?row={rows // 2}",
        "rows, a jump to the last": f"{where}/rows?row={rows}",
        "rows by tokens": f"{where}/rows?sort=-tokens",
        "rows by answer": f"{where}/rows?sort=answer",
        "rows with several answers": f"{where}/rows?holds=turns",
        "rows without findings": f"{where}/rows?findings=none&sort=-tokens",
        "findings": f"{where}/findings",
    }


def ask(browser: Browser, path: str, times: int) -> list[float]:
    """Milliseconds of each."""
    taken = []
    for _ in range(times + 2):
        begun = time.perf_counter()
        browser.ask("GET", path)
        taken.append((time.perf_counter() - begun) * 1000)
    return taken[2:]


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rows", type=int, default=1_000_000)
    words.add_argument("--asks", type=int, default=20)
    words.add_argument("--file", type=Path, help="made if it is not there")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="luthier-") as folder:
        path = asked.file or Path(folder) / "million.jsonl"
        if not path.exists():
            make_data.write(path, seed=1, count=asked.rows, size=None)
        print(f"{asked.rows:,} rows, {path.stat().st_size / MB:,.0f} MB")
        print(f"the tokenizer alone: {limit(path):.1f} s")
        with start_luthier(Path(folder) / "home", **OWNER) as luthier:
            browser = Browser(luthier)
            browser.sign_in()
            project = int(re.search(r"/projects/(\d+)", browser.post("/projects", name="Bench"))[1])
            where, seconds = make_ready(luthier, browser, project, path)
            slowest = 0.0
            print(f"{'/livez':<28} median {statistics.median(ask(browser, '/livez', 50)):6.1f} ms")
            for name, page in pages_of(where, asked.rows).items():
                taken = ask(browser, page, asked.asks)
                slowest = max(slowest, *taken)
                print(
                    f"{name:<28} median {statistics.median(taken):6.1f} ms  max {max(taken):6.1f}"
                )
            peaks = Peaks(luthier.home)
            peaks.look()
            peak = peaks.say()
    print(f"ready {seconds:.1f} s (claim {CLAIM_READY_SECONDS:.0f}), slowest page {slowest:.0f} ms")
    print(f"largest process {peak:.0f} MB (claim {CLAIM_PEAK_MB:.0f})")
    is_held = seconds <= CLAIM_READY_SECONDS and slowest < CLAIM_PAGE_MS and peak < CLAIM_PEAK_MB
    return 0 if is_held else 1


if __name__ == "__main__":
    raise SystemExit(main())
