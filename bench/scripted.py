"""A provider of chat answers in a process of its own, for `bench.evaluations`: it answers so many
requests a second, each after some time, says 429 to a share of them for no reason, and to what is
too many; and it counts.

    python -m bench.scripted --rate 200 --latency 0.5 --spread 0.2 --noes 0.05
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

BURST_SECONDS = 0.25
MODELS = ("scripted-one", "scripted-two")
NO = json.dumps({"error": {"message": "Too many requests.", "type": "requests"}}).encode()
USUAL = {"rate": 200.0, "latency": 0.5, "spread": 0.2, "noes": 0.05}


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
    words = [sys.executable, "-m", "bench.scripted"]
    for name in USUAL:
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


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    for name, usual in USUAL.items():
        words.add_argument(f"--{name}", type=float, default=usual)
    asyncio.run(serve(Server(**vars(words.parse_args()))))
