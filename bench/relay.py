"""Fifty answers of 20 tokens a second relayed at once by one web process: what that adds to the
first token (< 20 ms) and to each later one (< 5 ms), and what pages take meanwhile (p95 < 100 ms).

    python -m bench.relay [--streams 50] [--tokens 200]

The provider is a paced server in a process of its own whose tokens are the moments they were sent
at. Beside the relay stand its limits: the same server asked directly by the same listener, so that
what the listener and the machine take is seen, and the page while nothing is relayed. The questions
(five models each) begin within five seconds. The claim is about the difference of the medians; p95
is printed.
"""

import argparse
import asyncio
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import httpx2
import uvicorn

from bench.make_people import PASSWORD
from tests.journeys.api import OWNER, Script
from tests.processes import Program, environment, free_port, start_luthier
from tests.waiting import eventually

FIRST_MS, LATER_MS, PAGE_MS = 20.0, 5.0, 100.0
PACE = 20.0
BEGIN_SECONDS = 5.0
COLUMNS, PEOPLE = 5, 6  # every second of the people may spend
EVENT = "text/event-stream"


class Late(NamedTuple):
    """Milliseconds from a token's leaving the provider until it was read: of first ones, of later
    ones.
    """

    first: list[float]
    later: list[float]


def main() -> int:
    """Start, ask, print; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--streams", type=int, default=50)
    words.add_argument("--tokens", type=int, default=200)
    words.add_argument("--provide", type=int, help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.provide:
        uvicorn.run(provider, port=asked.provide, log_level="warning")
        return 0
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="luthier-")))
        port = stack.enter_context(providing())
        env = {**OWNER, "LUTHIER_ALLOW_HOSTS": f"127.0.0.1:{port}"}
        luthier = stack.enter_context(start_luthier(place / "home", **env))
        script = stack.enter_context(Script(luthier))
        return measure(script, luthier, port, asked.streams, asked.tokens)


async def provider(scope: Any, receive: Any, send: Any) -> None:
    """Streams `max_tokens` tokens, each the moment it is sent at; lists no models. A model called
    `m@60` says 60 tokens a second, and `m@60/10` but every tenth time a moment, else a short word.
    """
    if scope["type"] != "http":
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    streams = scope["path"].endswith("/chat/completions")
    kind = EVENT if streams else "application/json"
    head = {"type": "http.response.start", "status": 200}
    await send({**head, "headers": [(b"content-type", kind.encode())]})
    if streams:
        asked, begun = json.loads(body), time.monotonic()
        rate, _, every = asked["model"].partition("@")[2].partition("/")
        pace = 1 / float(rate or PACE)
        for number in range(asked["max_tokens"]):
            await asyncio.sleep(max(0.0, begun + number * pace - time.monotonic()))
            said = "word " if number % int(every or 1) else f"{time.time():.6f} "
            content = f"data: {json.dumps(chunk(said))}\n\n".encode()
            await send({"type": "http.response.body", "body": content, "more_body": True})
    end = b"data: [DONE]\n\n" if streams else b'{"object": "list", "data": []}'
    await send({"type": "http.response.body", "body": end})


def chunk(text: str) -> dict[str, Any]:
    """A piece of an answer as OpenAI shapes it."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "paced"}
    return {**head, "choices": [choice]}


@contextmanager
def providing() -> Iterator[int]:
    """The paced server's port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.relay", "--provide", str(port)])
    try:
        eventually(lambda: is_up(port), within=30)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def is_up(port: int) -> bool:
    """Whether it answers."""
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/v1/models", trust_env=False).is_success
    except httpx2.HTTPError:
        return False


def measure(script: Script, luthier: Program, port: int, streams: int, tokens: int) -> int:
    """Print everything; 0 where all three claims hold."""
    project = script.post("/projects", json={"name": "Bench"})["id"]
    connections = [
        script.post(f"/projects/{project}/connections", json=account(port, number))["id"]
        for number in range(-(-streams // COLUMNS))
    ]
    made = subprocess.run(
        [sys.executable, "-m", "bench.make_people", str(project), str(PEOPLE)],
        env=environment(luthier.home),
        check=True,
        stdout=subprocess.PIPE,
    )
    people = json.loads(made.stdout)
    tokens_of = [token for _, token in people[1::2]]
    pages = Pages(luthier, people[1][0], f"/projects/{project}/models")
    alone = pages.times(100)

    direct = asyncio.run(listen([(port_url(port), {}, plain(n, tokens)) for n in range(streams)]))
    url = f"{luthier.address}/api/v1/projects/{project}/conversations"
    questions = [
        (
            url,
            {"Authorization": f"Bearer {tokens_of[number % len(tokens_of)]}"},
            asked(connection, number, min(COLUMNS, streams - number * COLUMNS), tokens),
        )
        for number, connection in enumerate(connections)
    ]
    with pages.asked_meanwhile() as meanwhile:
        relayed = asyncio.run(listen(questions))
    assert len(relayed.first) == streams, relayed.first

    first = told("first token", direct.first, relayed.first)
    later = told("later tokens", direct.later, relayed.later)
    told("a page", alone, meanwhile)
    page = quantiles(meanwhile, n=20)[-1]
    print(f"the claims: < {FIRST_MS:.0f} ms, < {LATER_MS:.0f} ms, a page's p95 < {PAGE_MS:.0f} ms")
    return 0 if first < FIRST_MS and later < LATER_MS and page < PAGE_MS else 1


def account(port: int, number: int) -> dict[str, Any]:
    """An account at the paced server; one alone may ask 60 times a minute."""
    form = {"name": f"Paced {number}", "kind": "openai", "api_key": "k"}
    return {**form, "base_url": f"http://127.0.0.1:{port}/v1"}


def port_url(port: int) -> str:
    """Where the paced server answers."""
    return f"http://127.0.0.1:{port}/v1/chat/completions"


def plain(number: int, tokens: int) -> dict[str, Any]:
    """A question for the provider itself."""
    messages = [{"role": "user", "content": "when?"}]
    return {"model": f"m{number}", "messages": messages, "max_tokens": tokens, "stream": True}


def asked(connection: int, number: int, columns: int, tokens: int) -> dict[str, Any]:
    """A question for several models over the relay."""
    models = [{"connection_id": connection, "model": f"m{place}"} for place in range(columns)]
    settings = {"max_tokens": tokens}
    return {"text": f"when {number}?", "columns": models, "settings": settings, "stream": True}


def told(what: str, without: list[float], within: list[float]) -> float:
    """Print both; how much the relay adds to the median, in ms."""
    for name, times in (("without", without), ("with", within)):
        p95 = quantiles(times, n=20)[-1]
        print(f"{what:<14} {name:<8} median {median(times):6.1f} ms   p95 {p95:6.1f} ms")
    return median(within) - median(without)


async def listen(requests: list[tuple[str, dict[str, str], dict[str, Any]]]) -> Late:
    """Send one after the other within BEGIN_SECONDS, so that a first token comes while others
    stream, and note how late each token is.
    """
    late = Late([], [])
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx2.AsyncClient(timeout=300, trust_env=False, limits=limits) as client:
        pause = BEGIN_SECONDS / len(requests)
        await asyncio.gather(
            *(hear(client, late, number * pause, *one) for number, one in enumerate(requests))
        )
    return late


async def hear(
    client: httpx2.AsyncClient,
    late: Late,
    after: float,
    url: str,
    headers: dict[str, str],
    body: dict[str, Any],
) -> None:
    """One streamed answer; of many columns each has a first token."""
    await asyncio.sleep(after)
    begun: set[int] = set()
    async with client.stream("POST", url, json=body, headers=headers) as answer:
        assert answer.is_success, await answer.aread()
        async for line in answer.aiter_lines():
            if not line.startswith("data: {"):
                continue
            piece = json.loads(line[6:])
            choice = piece.get("choices")
            text = choice[0]["delta"]["content"] if choice else piece.get("text")
            if text is None:
                continue
            taken = (time.time() - float(text)) * 1000
            place = piece.get("place", 0)
            (late.later if place in begun else late.first).append(taken)
            begun.add(place)


class Pages:
    """A page of somebody who is signed in, asked again and again."""

    def __init__(self, luthier: Program, email: str, path: str) -> None:
        self.path = path
        self.host = luthier.address.removeprefix("http://")
        with httpx2.Client(base_url=luthier.address, trust_env=False) as client:
            signed = client.post("/login", data={"email": email, "password": PASSWORD})
            assert signed.status_code == 303, signed.text[:300]
            self.cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())

    def times(self, many: int) -> list[float]:
        """Milliseconds of that many."""
        link = http.client.HTTPConnection(self.host, timeout=60)
        return [self._one(link) for _ in range(many)]

    @contextmanager
    def asked_meanwhile(self) -> Iterator[list[float]]:
        """Ten a second while the block runs."""
        ends, taken = threading.Event(), list[float]()

        def ask() -> None:
            link = http.client.HTTPConnection(self.host, timeout=60)
            while not ends.wait(0.1):
                taken.append(self._one(link))

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            yield taken
        finally:
            ends.set()
            asking.join()

    def _one(self, link: http.client.HTTPConnection) -> float:
        begun = time.perf_counter()
        link.request("GET", self.path, headers={"Cookie": self.cookie})
        answer = link.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body[:300])
        return (time.perf_counter() - begun) * 1000


if __name__ == "__main__":
    sys.exit(main())
