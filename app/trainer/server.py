"""The trainer's server: one list of routes, and `main`.

It never trains and never imports an engine.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import structlog
import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core.heads import BoundedHead
from app.trainer import (
    elsewhere,
    routes_chat,
    routes_checkpoints,
    routes_files,
    routes_graders,
    routes_jobs,
    routes_operations,
    routes_uploads,
    routes_webhooks,
)
from app.trainer.answers import refused
from app.trainer.courier import Courier
from app.trainer.errors import Refusal, storage_failed, surprise
from app.trainer.files import Files
from app.trainer.folder import locked_within
from app.trainer.guard import Guard
from app.trainer.keys import Keyring
from app.trainer.launcher import Launcher
from app.trainer.limits import Limits
from app.trainer.outbox import Outbox
from app.trainer.runs import Runs
from app.trainer.service import Service
from app.trainer.speaking import IDLE_SECONDS, Speaking
from app.trainer.stand_ins import stand_ins
from app.trainer.uploads import Uploads

THREADS = 8
SWEEP_SECONDS = 60.0
HOME_SECONDS = 20.0
GRACE_SECONDS = 5
# Longer than the SDK keeps an idle connection (5 s): who lets go first must not be the server.
KEEP_ALIVE_SECONDS = 65

log = structlog.get_logger(__name__)


ROUTES = [
    *routes_operations.ROUTES,
    *routes_files.ROUTES,
    *routes_uploads.ROUTES,
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
    log.error("storage.failed", error=str(error))
    return refused(storage_failed(error) if isinstance(error, OSError) else surprise())


def _bug(_request: Request, _error: Exception) -> Response:
    return refused(surprise())


def create_app(
    home: Path, keyring: Keyring, limits: Limits, *, idle_seconds: float = IDLE_SECONDS
) -> Guard:
    """The ASGI application over one home folder. Only one server may use a home at a time."""
    runs = Runs(home)
    files = Files(home / "files", runs)
    runs.use(files)
    uploads = Uploads(home / "uploads", files, limits)
    outbox = Outbox(home / "webhooks.sqlite")
    courier = Courier(outbox, runs)
    launcher = Launcher(runs, at_once=limits.at_once, run_ended=courier.run_ended)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        speaking = Speaking(idle_seconds=idle_seconds)
        app.state.service = Service(
            runs, files, launcher, speaking, outbox, courier, uploads, limits
        )
        works = (launcher.watch(), courier.work(), _swept(files, uploads))
        working = [asyncio.create_task(work) for work in works]
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
    # A slash too many is an unknown address, as it is at OpenAI, and not one to be sent on from.
    app.router.redirect_slashes = False
    return Guard(app, keyring)


async def _swept(files: Files, uploads: Uploads) -> None:
    """Remove what is over, once a minute."""
    while True:
        for store in (files, uploads):
            try:
                await to_thread.run_sync(store.sweep)
            except OSError as error:
                log.error("storage.failed", error=str(error))  # noqa: TRY400 - the disk's words are enough
        await asyncio.sleep(SWEEP_SECONDS)


@contextlib.contextmanager
def alone_in(home: Path) -> Iterator[None]:
    """Hold the home: two servers would start the same runs. Waits for a server that is ending."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("a") as lock:
        if not locked_within(lock.fileno(), HOME_SECONDS):
            raise SystemExit(f"Another trainer works in {home}.")
        yield


def main(host: str, port: int, home: Path, keys: Sequence[str]) -> None:
    """Serve until SIGTERM or Ctrl-C. `keys` are known besides those kept in the home."""
    limits = Limits.from_environment()
    idle_seconds = float(os.environ.get("LUTHIER_TRAINER_IDLE_SECONDS", IDLE_SECONDS))
    stand_ins()
    with alone_in(home):
        keyring = Keyring(home, keys)
        if keyring.is_empty:
            raise SystemExit(
                "The trainer needs at least one key: set LUTHIER_TRAINER_KEYS, or make one with"
                f" `python -m app trainer-key create NAME --home {home}`."
            )
        uvicorn.run(
            create_app(home, keyring, limits, idle_seconds=idle_seconds),
            http=BoundedHead,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
