"""Many requests at once: sessions and threads never wait for each other in a ring."""

import asyncio

import anyio.to_thread
import httpx2

from app.auth import service as auth
from app.core.database import THREADS, unit_of_work
from app.main import create_app
from tests import make

AT_ONCE = 40
WITHIN_SECONDS = 60


def test_forty_writers_and_forty_readers_at_once_all_get_their_answer(real_database):
    with unit_of_work() as session:
        user = make.make_user(session)
        token = auth.create_token(session, user, name="many")

    answers = asyncio.run(asyncio.wait_for(_ask_everything(token), WITHIN_SECONDS))

    assert sorted(answers) == [200] * AT_ONCE + [201] * AT_ONCE


def test_a_sender_that_stalls_holds_no_session(real_database):
    with unit_of_work() as session:
        user = make.make_user(session)
        cookie = auth.sign_in(session, user.id)

    assert asyncio.run(asyncio.wait_for(_write_beside_a_stalled_form(cookie), WITHIN_SECONDS)) == 1


async def _ask_everything(token: str) -> list[int]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    async with _client(Authorization=f"Bearer {token}") as client:
        asked = [client.get("/api/v1/projects") for _ in range(AT_ONCE)]
        asked += [
            client.post("/api/v1/projects", json={"name": f"Project {n}"}) for n in range(AT_ONCE)
        ]
        return [answer.status_code for answer in await asyncio.gather(*asked)]


async def _write_beside_a_stalled_form(cookie: str) -> int:
    """While one form never arrives whole, another writer must get through; how many did."""
    stalled = asyncio.Event()

    async def drip():
        yield b"name=never"
        stalled.set()
        await asyncio.sleep(WITHIN_SECONDS)

    def write() -> int:
        with unit_of_work() as session:
            make.make_user(session, "berta")
        return 1

    form = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"luthier-8000={cookie}"}
    async with _client(**form) as client:
        sending = asyncio.create_task(client.post("/projects", content=drip()))
        await stalled.wait()
        written = await anyio.to_thread.run_sync(write)
        sending.cancel()
        return written


def _client(**headers: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=create_app())
    return httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8000", headers=headers, timeout=None
    )
