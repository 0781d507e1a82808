"""What the routes work with."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from app.trainer.courier import Courier
from app.trainer.errors import Refusal
from app.trainer.files import Files
from app.trainer.launcher import Launcher
from app.trainer.limits import Limits
from app.trainer.outbox import Outbox
from app.trainer.runs import Run, Runs
from app.trainer.speaking import Speaking
from app.trainer.uploads import Uploads


@dataclass(frozen=True)
class Service:
    """The parts of one trainer."""

    runs: Runs
    files: Files
    launcher: Launcher
    speaking: Speaking
    outbox: Outbox
    courier: Courier
    uploads: Uploads
    limits: Limits


def service(request: Request) -> Service:
    """The parts, from the application's state."""
    return cast("Service", request.app.state.service)


def named_run(request: Request) -> Run:
    """The run in the path. Raises Refusal (404)."""
    run_id = request.path_params["job_id"]
    run = service(request).runs.get(run_id)
    if run is None:
        message = f"Could not find fine tune: {run_id}"
        raise Refusal(message, status=404, param="fine_tune_id", code="fine_tune_not_found")
    return run
