"""How fast a run's cases are answered, and what that takes of the processor and of memory.

    python -m bench.evaluations [--cases 10000] [--rate 200] [--latency 0.5] [--spread 0.2]
        [--noes 0.05]

The other side is a server in a process of its own: it answers so many requests a second, each after
`latency` plus or minus `spread` seconds, says 429 to a share of them for no reason, and to what is
too many. Two contestants put the cases of one dataset to it, over one connection. Claimed: at least
90 % of the allowed rate from the first request to the last, less than one core of all processes of
the instance, flat memory, and exact accounts: every case answered once, every request written down.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.rescue import OWNER, Memory, processor_seconds
from tests import make
from tests.journeys.api import Script
from tests.processes import processes_of, start_luthier
from tests.waiting import eventually

CLAIM_SHARE, CLAIM_CORES, CLAIM_GROWTH = 0.9, 1.0, 1.1
PATIENCE_SECONDS = 3_600.0
BURST_SECONDS = 0.25
MODELS = ("scripted-one", "scripted-two")
NO = json.dumps({"error": {"message": "Too many requests.", "type": "requests"}}).encode()


class Server:
    """Answers chat completions at a pace, and counts."""

    def __init__(self, rate: float, latency: float, spread: float, noes: float) -> None:
        self.rate, self.latency, self.spread, self.noes = rate, latency, spread, noes
        self.dice = random.Random(5)
        self.tokens, self.filled_at = rate * BURST_SECONDS, time.monotonic()
        self.counts = {"asked": 0, "answered": 0, "by_chance": 0, "too_many": 0}
        self.first = self.last = 0.0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as long as it is kept."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                fields = head.lower()
                at = fields.find(b"content-length:")
                size = int(fields[at + 15 : fields.index(b"\r", at)]) if at >= 0 else 0
                body = await reader.readexactly(size)
                status, answer = await self.answer(head, body)
                writer.write(
                    b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\n" % status
                    + b"content-length: %d\r\n\r\n" % len(answer)
                    + answer
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        if head.startswith(b"GET /counts"):
            return 200, json.dumps({**self.counts, "seconds": self.last - self.first}).encode()
        if not head.startswith(b"POST"):
            listed = [{"id": one, "object": "model", "owned_by": "bench"} for one in MODELS]
            return 200, json.dumps({"object": "list", "data": listed}).encode()
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.counts["asked"] += 1
        if not self.has_room():
            self.counts["too_many"] += 1
            return 429, NO
        if self.dice.random() < self.noes:
            self.counts["by_chance"] += 1
            return 429, NO
        await asyncio.sleep(self.latency + self.dice.uniform(-self.spread, self.spread))
        self.counts["answered"] += 1
        return 200, completion(json.loads(body))

    def has_room(self) -> bool:
        """A bucket that fills with so many tokens a second."""
        now = time.monotonic()
        filled = self.tokens + (now - self.filled_at) * self.rate
        self.tokens, self.filled_at = min(filled, self.rate * BURST_SECONDS), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def completion(asked: Any) -> bytes:
    """An answer that repeats the question."""
    message = {"role": "assistant", "content": asked["messages"][-1]["content"]}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 30, "completion_tokens": 8, "total_tokens": 38}
    return json.dumps(
        {"id": "c", "object": "chat.completion", "created": 1, "model": asked["model"]}
        | {"choices": [choice], "usage": usage}
    ).encode()


async def serve(server: Server) -> None:
    """Until it is killed; its port is the first line."""
    opened = await asyncio.start_server(server.talk, "127.0.0.1", 0, limit=2**20, backlog=512)
    print(opened.sockets[0].getsockname()[1], flush=True)
    await opened.serve_forever()


@contextmanager
def served(asked: argparse.Namespace) -> Iterator[int]:
    """The server in a process of its own; its port."""
    words = [sys.executable, "-m", "bench.evaluations", "--serve"]
    for name in ("rate", "latency", "spread", "noes"):
        words += [f"--{name}", str(getattr(asked, name))]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def counted(port: int) -> Any:
    """What the server has counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts", timeout=10) as answer:
        return json.load(answer)


def begin(script: Script, port: int, place: Path, cases: int) -> tuple[int, int]:
    """An evaluation of so many rows over a connection to the server; the ids of both."""
    project = script.post("/projects", json={"name": "Evaluations"})["id"]
    account = {"name": "Scripted", "base_url": f"http://127.0.0.1:{port}/v1", "api_key": "sk-b"}
    connection = script.post(f"/projects/{project}/connections", json=account)["id"]
    body = {"type": "match", "name": "echoes", "reference": "{{ item.question }}"}
    grader = script.post(f"/projects/{project}/graders", json={"grader": body})["grader_id"]
    path = place / "held-out.jsonl"
    path.write_bytes(make.chat_file(cases, words="Where is the parcel of customer"))
    version = script.upload(project, path, "Held out")["version"]["id"]
    form = {"name": "Held out", "version_id": version, "graders": [grader]}
    evaluation = script.post(f"/projects/{project}/evaluations", json=form)["id"]
    eventually(
        lambda: script.get(f"/evaluations/{evaluation}")["status"] == "ready",
        within=PATIENCE_SECONDS,
        every=0.5,
    )
    return evaluation, connection


def measure(script: Script, port: int, memory: Memory, asked: argparse.Namespace) -> bool:
    """Run it; whether all claims hold."""
    evaluation, connection = begin(script, port, memory.home.parent, asked.cases)
    ours = processes_of(memory.home)
    before = processor_seconds(ours)
    contestants = [{"connection_id": connection, "model": one} for one in MODELS]
    begun = time.perf_counter()
    with memory.watched():
        run = script.post(f"/evaluations/{evaluation}/runs", json={"contestants": contestants})
        eventually(
            lambda: script.get(f"/evaluation-runs/{run['id']}")["status"] == "done",
            within=PATIENCE_SECONDS,
            every=1.0,
        )
    seconds = time.perf_counter() - begun
    used = processor_seconds(ours) - before
    told, done = counted(port), script.get(f"/evaluation-runs/{run['id']}")
    share = told["answered"] / told["seconds"] / asked.rate
    cores = used / told["seconds"]
    print(
        f"{told['answered']:,} answers in {told['seconds']:.1f} s ({seconds:.1f} s with its end): "
        f"{share:.1%} of {asked.rate:g} a second (claim >= {CLAIM_SHARE:.0%}); requests "
        f"{told['asked'] / told['seconds'] / asked.rate:.1%}; load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"processor {used:.1f} s: {cores:.2f} cores (claim < {CLAIM_CORES:g}), "
        f"{1000 * used / told['asked']:.1f} ms a request; 429 by chance {told['by_chance']:,}, "
        f"too many {told['too_many']:,}"
    )
    print(
        f"memory {memory.sizes[0]:.0f} MB before, at most {max(memory.sizes):.0f}, the last "
        f"quarter {memory.growth():.2f} of the second (claim <= {CLAIM_GROWTH})"
    )
    sums = {name: sum(one[name] for one in done["contestants"]) for name in ("asked", "graded")}
    wanted = len(MODELS) * asked.cases
    is_exact = (
        (sums["graded"], told["answered"]) == (wanted, wanted)
        and sums["asked"] == told["asked"]
        and all(one["passed"] == asked.cases for one in done["contestants"])
    )
    print(
        f"accounts: {sums['graded']:,} of {wanted:,} graded, {sums['asked']:,} written down and "
        f"{told['asked']:,} sent: {'exact' if is_exact else 'WRONG'}"
    )
    is_fast = share >= CLAIM_SHARE and cores < CLAIM_CORES
    return is_fast and is_exact and memory.growth() <= CLAIM_GROWTH


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--cases", type=int, default=10_000)
    for name, standard in {"rate": 200.0, "latency": 0.5, "spread": 0.2, "noes": 0.05}.items():
        words.add_argument(f"--{name}", type=float, default=standard)
    words.add_argument("--serve", action="store_true", help="be the server")
    asked = words.parse_args()
    if asked.serve:
        asyncio.run(serve(Server(asked.rate, asked.latency, asked.spread, asked.noes)))
        return 0
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as place,
        served(asked) as port,
        start_luthier(
            Path(place) / "home", LUTHIER_ALLOW_HOSTS=f"127.0.0.1:{port}", **OWNER
        ) as luthier,
        Script(luthier) as script,
    ):
        return 0 if measure(script, port, Memory(luthier.home), asked) else 1


if __name__ == "__main__":
    raise SystemExit(main())
