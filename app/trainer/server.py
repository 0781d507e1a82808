"""The trainer's server: one list of routes, and `main`.

It never trains and never imports an engine.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from app.trainer import (
    elsewhere,
    routes_chat,
    routes_checkpoints,
    routes_files,
    routes_graders,
    routes_jobs,
    routes_webhooks,
)
from app.trainer.answers import JsonResponse, refused
from app.trainer.courier import Courier
from app.trainer.errors import Refusal
from app.trainer.files import Files
from app.trainer.folder import locked_within
from app.trainer.guard import Guard
from app.trainer.launcher import Launcher
from app.trainer.outbox import Outbox
from app.trainer.runs import Runs
from app.trainer.service import Service
from app.trainer.speaking import IDLE_SECONDS, Speaking
from app.trainer.stand_ins import stand_ins

THREADS = 8
HOME_SECONDS = 20.0
GRACE_SECONDS = 5


def health(_request: Request) -> Response:
    """Alive; needs no key."""
    return JsonResponse({"status": "ok"})


ROUTES = [
    Route("/healthz", health),
    *routes_files.ROUTES,
    *routes_jobs.ROUTES,
    *routes_checkpoints.ROUTES,
    *routes_chat.ROUTES,
    *routes_graders.ROUTES,
    *routes_webhooks.ROUTES,
]


def _refusal(_request: Request, error: Exception) -> Response:
    return refused(error if isinstance(error, Refusal) else Refusal(str(error)))


def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return refused(elsewhere.refusal(request.method, request.url.path, status))


def _gone(_request: Request, _error: Exception) -> Response:
    return refused(Refusal("The client went away.", status=400))


def _disk(_request: Request, error: Exception) -> Response:
    message = (
        f"The trainer's storage failed: {error.strerror if isinstance(error, OSError) else error}"
    )
    return refused(Refusal(message, status=503, kind="server_error", code="storage"))


def _bug(_request: Request, _error: Exception) -> Response:
    return refused(
        Refusal("The trainer had an error; its log says more.", status=500, kind="server_error")
    )


def create_app(
    home: Path, keys: Sequence[str], *, at_once: int = 1, idle_seconds: float = IDLE_SECONDS
) -> Guard:
    """The ASGI application over one home folder. Only one server may use a home at a time."""
    runs = Runs(home)
    files = Files(home / "files", runs)
    runs.use(files)
    outbox = Outbox(home / "webhooks.sqlite")
    courier = Courier(outbox, runs)
    launcher = Launcher(runs, at_once=at_once, run_ended=courier.run_ended)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        speaking = Speaking(idle_seconds=idle_seconds)
        app.state.service = Service(runs, files, launcher, speaking, outbox, courier)
        working = [asyncio.create_task(launcher.watch()), asyncio.create_task(courier.work())]
        yield
        for task in working:
            task.cancel()
        await launcher.end()
        await speaking.end()

    app = Starlette(
        routes=ROUTES,
        lifespan=lifespan,
        exception_handlers={
            Refusal: _refusal,
            HTTPException: _no_route,
            ClientDisconnect: _gone,
            OSError: _disk,
            Exception: _bug,
        },
    )
    return Guard(app, keys)


@contextlib.contextmanager
def alone_in(home: Path) -> Iterator[None]:
    """Hold the home: two servers would start the same runs. Waits for a server that is ending."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("a") as lock:
        if not locked_within(lock.fileno(), HOME_SECONDS):
            raise SystemExit(f"Another trainer works in {home}.")
        yield


def main(host: str, port: int, home: Path, keys: Sequence[str]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    `LUTHIER_TRAINER_AT_ONCE` runs may train at once (1), each on one core.
    """
    if not keys:
        raise SystemExit("The trainer needs at least one key: set LUTHIER_TRAINER_KEYS.")
    at_once = int(os.environ.get("LUTHIER_TRAINER_AT_ONCE", "1"))
    idle_seconds = float(os.environ.get("LUTHIER_TRAINER_IDLE_SECONDS", IDLE_SECONDS))
    stand_ins()
    with alone_in(home):
        app = create_app(home, keys, at_once=at_once, idle_seconds=idle_seconds)
        uvicorn.run(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
