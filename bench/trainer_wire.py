"""The trainer's wire: a file goes in at 400 MB/s or more, and fifty clients that poll every second
cost less than a tenth of a core.

    python -m bench.trainer_wire [--megabytes 500] [--seconds 15]

The limits beside it are this machine writing the same bytes to the same disk and forcing them
there, with hashing and without, and no network and no server in between.
"""

import argparse
import hashlib
import http.client
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import openai

from app.trainer.files import Files, StoredFile
from app.trainer.limits import PART_BYTES
from tests.processes import Program, free_port, launch
from tests.trainer.conftest import NoResults, intent_rows, start_run

CLAIM_MB_PER_SECOND = 400
CLAIM_CORE = 0.1
CLIENTS = 50
FILES = 10_000
MB = 1_000_000
KEY = "a-key-of-the-bench"
# As long as the SDK's.
BOUNDARY = "0123456789abcdef" * 2
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="%s"; filename="rows.jsonl"\r\n\r\n'
)
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


def blocks_of(size: int) -> list[bytes]:
    """About `size` bytes of rows, as one block named many times: the client needs no memory."""
    line = json.dumps({"messages": [{"role": "user", "content": "where is my card? " * 50}]})
    block = (line.encode() + b"\n") * (2**20 // len(line))
    return [block] * max(1, size // len(block))


class Client:
    """A connection that is kept, as the SDK keeps one."""

    def __init__(self, port: int) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def ask(self, method: str, path: str, body=None, **headers: str):
        """The JSON of an answer."""
        headers["Authorization"] = f"Bearer {KEY}"
        self.line.request(method, path, body, headers)
        answer = self.line.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]!r}")
        return json.loads(content)

    def send(self, path: str, name: str, blocks: Sequence[bytes]):
        """A multipart body with one file."""
        head = (HEAD % name).encode()
        length = str(len(head) + sum(map(len, blocks)) + len(TAIL))
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        headers = {"Content-Type": kind, "Content-Length": length}
        return self.ask("POST", path, _body(head, blocks), **headers)


def _body(head: bytes, blocks: Sequence[bytes]) -> Iterator[bytes]:
    yield head
    yield from blocks
    yield TAIL


def speed(size: int, do: Callable[[], object]) -> float:
    """Megabytes a second."""
    started = time.perf_counter()
    do()
    return size / MB / (time.perf_counter() - started)


def in_parts(port: int, blocks: Sequence[bytes], at_once: int) -> None:
    """One upload in parts of 64 MB, several under way."""
    each = PART_BYTES // len(blocks[0])
    pieces = [blocks[start : start + each] for start in range(0, len(blocks), each)]
    size = sum(map(len, blocks))
    about = {"bytes": size, "filename": "a.jsonl", "mime_type": "text/jsonl"}
    made = Client(port).ask("POST", "/v1/uploads", json.dumps({**about, "purpose": "fine-tune"}))
    names: dict[int, str] = {}
    waiting = list(enumerate(pieces))[::-1]

    def work() -> None:
        own = Client(port)
        while waiting:
            place, piece = waiting.pop()
            names[place] = own.send(f"/v1/uploads/{made['id']}/parts", "data", piece)["id"]

    workers = [threading.Thread(target=work) for _ in range(at_once)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    order = {"part_ids": [names[place] for place in sorted(names)]}
    Client(port).ask("POST", f"/v1/uploads/{made['id']}/complete", json.dumps(order))


def write_alone(place: Path, blocks: Sequence[bytes], *, is_hashed: bool) -> None:
    """What no server could beat."""
    digest = hashlib.sha256()
    with (place / "limit").open("wb", buffering=0) as target:
        for block in blocks:
            if is_hashed:
                digest.update(block)
            target.write(block)
        os.fsync(target.fileno())
    (place / "limit").unlink()


def busy_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def polling(port: int, pid: int, seconds: float) -> tuple[float, int]:
    """Share of a core, and requests answered, while fifty clients look at a run that trains."""
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY) as sdk:
        run = start_run(sdk, intent_rows(2000), n_epochs=50)
        while sdk.fine_tuning.jobs.retrieve(run.id).status != "running":
            time.sleep(0.1)
        done: list[int] = []
        ends_at = time.monotonic() + seconds

        def poll(number: int) -> None:
            client = Client(port)
            time.sleep(number / CLIENTS)
            while time.monotonic() < ends_at:
                client.ask("GET", f"/v1/fine_tuning/jobs/{run.id}")
                client.ask("GET", f"/v1/fine_tuning/jobs/{run.id}/events?limit=20")
                done.append(2)
                time.sleep(1)

        workers = [threading.Thread(target=poll, args=(number,)) for number in range(CLIENTS)]
        before, started = busy_seconds(pid), time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        share = (busy_seconds(pid) - before) / (time.perf_counter() - started)
        sdk.fine_tuning.jobs.cancel(run.id)
        while sdk.fine_tuning.jobs.retrieve(run.id).status != "cancelled":
            time.sleep(0.1)
    return share, sum(done)


def listing(place: Path) -> tuple[float, float]:
    """Milliseconds of a page of 20 and of one of all, of ten thousand files."""
    place.mkdir()
    for number in range(FILES):
        name = f"file-{number:024}"
        note = StoredFile(
            id=name, size=0, created_at=number, filename="a.jsonl", purpose="fine-tune"
        )
        (place / f"{name}.json").write_bytes(msgspec.json.encode(note))
        (place / f"{name}.data").touch()
    files = Files(place, NoResults())
    found = []
    for limit in (20, FILES):
        after = files.page(after=None, purpose=None, limit=500, is_newest_first=True)[0][-1]
        times = []
        for _ in range(20):
            started = time.perf_counter()
            files.page(after=after, purpose="fine-tune", limit=limit, is_newest_first=True)
            times.append(time.perf_counter() - started)
        found.append(1000 * min(times))
    return found[0], found[1]


def start(place: Path) -> tuple[Program, int]:
    """`python -m app trainer`, as a person starts it."""
    port = free_port()
    words = ("trainer", "--port", str(port), "--home", str(place / "trainer"))
    program = launch(place / "home", *words, LUTHIER_TRAINER_KEYS=KEY)
    program.address = f"http://127.0.0.1:{port}"
    program.wait_until_healthy()
    return program, port


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--megabytes", type=int, default=500)
    words.add_argument("--seconds", type=float, default=15)
    words.add_argument("--times", type=int, default=3, help="runs of each; the best counts")
    asked = words.parse_args()
    blocks = blocks_of(asked.megabytes * MB)
    size = sum(map(len, blocks))
    with tempfile.TemporaryDirectory(prefix="luthier-") as temporary:
        place = Path(temporary)
        program, port = start(place)
        try:
            ways = {
                "as one file": lambda: Client(port).send("/v1/files", "file", blocks),
                "in parts, one after the other": lambda: in_parts(port, blocks, 1),
                "in parts, four at once": lambda: in_parts(port, blocks, 4),
                "the limit: writing alone": lambda: write_alone(place, blocks, is_hashed=False),
                "the limit: hashing and writing": lambda: write_alone(
                    place, blocks, is_hashed=True
                ),
            }
            best = dict.fromkeys(ways, 0.0)
            for _ in range(asked.times):
                for way, do in ways.items():
                    best[way] = max(best[way], speed(size, do))
                    for client_file in (place / "trainer" / "files").glob("*.data"):
                        client_file.write_bytes(b"")
            for way, found in best.items():
                print(f"{asked.megabytes} MB {way}: {found:.0f} MB/s")
            share, requests = polling(port, program.process.pid, asked.seconds)
        finally:
            program.stop()
            program.clear_away()
        page, everything = listing(place / "files")
    print(f"the claim: >= {CLAIM_MB_PER_SECOND} MB/s as one file")
    print(
        f"{CLIENTS} clients that look at a run and its events every second ({requests} requests in"
        f" {asked.seconds:.0f} s): {share:.1%} of a core (the claim: < {CLAIM_CORE:.0%})"
    )
    print(f"a page of 20 of {FILES:,} files: {page:.2f} ms; all of them: {everything:.1f} ms")
    return 0 if best["as one file"] >= CLAIM_MB_PER_SECOND and share < CLAIM_CORE else 1


if __name__ == "__main__":
    raise SystemExit(main())
