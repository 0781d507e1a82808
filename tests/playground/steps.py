"""What tests of several columns at once do."""

import asyncio
import json
from typing import Any

from tests.make import BASE_MODEL
from tests.waiting import eventually
from tests.witness.script import CHAT, Fault

TUNED = "ft:gpt-4o-mini-2024-07-18:acme::abcd1234"
QUESTION = "Where is my parcel?"


def ask(sends, project_id, columns, text=QUESTION, **more):
    """Ask as a script, and wait for all answers."""
    made = sends.post(
        f"/projects/{project_id}/conversations", json={"text": text, "columns": columns, **more}
    )
    assert made.status_code == 201, made.text
    return made.json()


def streaming(*deltas, **more):
    """An answer of these pieces."""
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": BASE_MODEL}
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    lines = [f"data: {json.dumps({**chunk, 'choices': [one]})}\n\n" for one in choices]
    headers = {"content-type": "text/event-stream"}
    return Fault(CHAT, body="".join(lines) + "data: [DONE]\n\n", headers=headers, **more)


def hanging(words):
    """An answer that stops after these words and stays open."""
    return streaming({"content": words}, {"content": "and more"}, end="hang", delay=60)


def a_word(heard):
    """Something was answered."""
    eventually(lambda: any('"text"' in line for line in heard))


def leave_after(done, client, person, path: str, body: dict[str, Any]) -> list[str]:
    """Ask over a connection that ends once `done(heard)` returns, which runs in a thread beside;
    `heard` are the lines so far, and come back in the end.
    """
    token = {"x-csrf-token": person.csrf} if hasattr(person, "csrf") else {}
    headers = {**person.headers, **token, "content-type": "application/json"}
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
        "method": "POST", "path": path, "raw_path": b"", "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 9),
        "headers": [(b"host", b"127.0.0.1:8000"),
                    *((name.lower().encode(), value.encode()) for name, value in headers.items())],
    }  # fmt: skip
    heard: list[str] = []

    async def visit():
        incoming = iter([{"type": "http.request", "body": json.dumps(body).encode()}])
        leaving = asyncio.create_task(asyncio.to_thread(done, heard))

        async def receive():
            for message in incoming:
                return message
            await asyncio.wait([leaving])
            return {"type": "http.disconnect"}

        async def send(message):
            heard.extend(message.get("body", b"").decode().splitlines())

        await asyncio.wait_for(client.app(scope, receive, send), 30)
        await leaving

    asyncio.run(visit())
    return heard
