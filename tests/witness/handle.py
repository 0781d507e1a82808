"""A test's handle on a witness: start it, script it, read its journal."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.witness.journal import Journal, Request
from tests.witness.script import CREATE_RUN, Fault, Shift

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-witness-0123456789abcdef"
ADMIN_KEY = "sk-admin-witness-0123456789abcdef"


@dataclass
class Witness:
    """A running witness, seen by the owner of one of its projects: the one whose key it is."""

    process: subprocess.Popen[str]
    port: int
    journal: Journal
    key: str = KEY
    admin_key: str = ADMIN_KEY

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def host(self) -> str:
        """As LUTHIER_ALLOW_HOSTS names it."""
        return f"127.0.0.1:{self.port}"

    @property
    def creates(self) -> list[Request]:
        """The paid requests it read to the end."""
        return self.journal.read(CREATE_RUN)

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The runs that really exist, newest first, however its lists show them."""
        return self.tell("/_runs", {})["data"]

    def reset(self) -> None:
        """As new: one project, no runs, no faults, an empty journal."""
        self.tell("/_reset", {})

    def add_project(self, key: str, name: str = "Another") -> "Witness":
        """Another project of the organisation, empty, and the witness as its owner sees it."""
        self.tell("/_project", {"key": key, "name": name})
        return replace(self, key=key)

    def script(self, *faults: Fault) -> None:
        """Let these go wrong, in this order."""
        self.tell("/_faults", [fault.to_json() for fault in faults])

    def calm(self) -> None:
        """Let nothing more go wrong."""
        self.tell("/_calm", {})

    def shift(self, *shifts: Shift) -> None:
        """Let lists move while they are read."""
        self.tell("/_shifts", [shift.to_json() for shift in shifts])

    def set(self, **attributes: Any) -> None:
        """Change how it is: `lag`, `skew`, `filter`, `paging`, `leaves_out`, `refuses`,
        `models`, `expires_after` requests of this key, `judges` and what is `right` (see `State`);
        `latency`, `scope_status`, `allowance` (requests a second, None for any) of all.
        """
        self.tell("/_set", attributes)

    def add_crowd(self, body: dict[str, Any], count: int, **fields: Any) -> list[str]:
        """That many runs of one order, moved on by `fields`; their ids, the oldest first."""
        return self.tell("/_crowd", {"body": body, "count": count, "fields": fields})["data"]

    def change_run(self, run_id: str, **fields: Any) -> None:
        """Let a run move on."""
        self.tell("/_run", {"id": run_id, **fields})

    def hide(self, run_id: str, *, hidden: bool = True) -> None:
        """Let a run be unknown to the server, or be there again."""
        self.tell("/_hide", {"id": run_id, "hidden": hidden})

    def plan_webhooks(self, *plan: str | float) -> None:
        """What becomes of the next messages: see `Webhooks`."""
        self.tell("/_webhooks", {"plan": plan})

    @property
    def webhooks(self) -> list[dict[str, Any]]:
        """The messages it made, with the answers they got."""
        return self.tell("/_webhooks", {})["data"]

    @property
    def endpoints(self) -> list[dict[str, Any]]:
        """The receivers of this project, each with its `secret`."""
        return self.tell("/_webhooks", {})["endpoints"]

    def carry_out(self, order: Request) -> dict[str, Any]:
        """Let an order that it read before have its effect now, as if it had been on its way for so
        long: the run.
        """
        return self.tell("/_carry_out", order.body)

    def add_event(self, run_id: str, **fields: Any) -> dict[str, Any]:
        return self.tell("/_event", {"run_id": run_id, **fields})

    def add_checkpoint(self, run_id: str, **fields: Any) -> None:
        self.tell("/_checkpoint", {"fine_tuning_job_id": run_id, **fields})

    def add_file(
        self, name: str, content: bytes, purpose: str = "fine-tune-results", **more: Any
    ) -> dict[str, Any]:
        """A file; `more` is that of `State.add_file`: announced, refused, is_encoded, fields."""
        given = {"name": name, "content": content.decode("latin-1"), "purpose": purpose}
        return self.tell("/_file", {**given, **more})

    def add_large_file(self, name: str, size: int, **more: Any) -> dict[str, Any]:
        """A training file of any size, which nobody holds in memory."""
        rows = {"source": "chat", "size": size}
        return self.tell("/_file", {"name": name, "rows": rows, "purpose": "fine-tune", **more})

    def delete(self, object_id: str) -> None:
        """Let a job, file, eval, run of one, or stored completion be gone."""
        self.tell("/_delete", {"id": object_id})

    def expected(self, *, with_lines: bool = False) -> list[dict[str, Any]]:
        """What is there in this project: see `expected.of`."""
        return self.tell("/_expected", {"with_lines": with_lines}, timeout=600)["data"]

    def tell(self, path: str, what: Any, timeout: float = 60) -> Any:
        """Say something beside the wire: see `control`."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(what).encode(),
            {"x-witness-key": self.key},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def running(
    folder: Path, *, key: str = KEY, admin_key: str = ADMIN_KEY, port: int = 0
) -> Iterator[Witness]:
    """A witness of its own with an empty journal in `folder`, on any port unless one is named."""
    path = folder / "witness.sqlite"
    words = [sys.executable, "-m", "tests.witness.server", "--journal", str(path)]
    words += ["--key", key, "--admin-key", admin_key, "--port", str(port)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        journal = Journal(path)
        yield Witness(process, port, journal, key, admin_key)
        journal.close()
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
