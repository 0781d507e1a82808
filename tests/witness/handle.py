"""A test's handle on a witness: start it, script it, read its journal."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.witness.journal import Journal, Request
from tests.witness.script import CREATE_RUN, Fault

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-witness-0123456789abcdef"


@dataclass
class Witness:
    """A running witness."""

    process: subprocess.Popen[str]
    port: int
    journal: Journal

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
        return self._tell("/_runs", {})["data"]

    def reset(self) -> None:
        """As new: no runs, no faults, an empty journal."""
        self._tell("/_reset", {})

    def script(self, *faults: Fault) -> None:
        """Let these go wrong, in this order."""
        self._tell("/_faults", [fault.to_json() for fault in faults])

    def set(self, **attributes: Any) -> None:
        """Change how it is: `lag`, `filter`, `models`."""
        self._tell("/_set", attributes)

    def change_run(self, run_id: str, **fields: Any) -> None:
        """Let a run move on."""
        self._tell("/_run", {"id": run_id, **fields})

    def add_event(self, run_id: str, **fields: Any) -> dict[str, Any]:
        return self._tell("/_event", {"run_id": run_id, **fields})

    def add_checkpoint(self, run_id: str, **fields: Any) -> None:
        self._tell("/_checkpoint", {"fine_tuning_job_id": run_id, **fields})

    def add_file(
        self, name: str, content: bytes, purpose: str = "fine-tune-results"
    ) -> dict[str, Any]:
        given = {"name": name, "content": content.decode("latin-1"), "purpose": purpose}
        return self._tell("/_file", given)

    def _tell(self, path: str, what: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", json.dumps(what).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def running(folder: Path, *, key: str = KEY) -> Iterator[Witness]:
    """A witness of its own with an empty journal in `folder`."""
    path = folder / "witness.sqlite"
    words = [sys.executable, "-m", "tests.witness.server", "--journal", str(path), "--key", key]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        journal = Journal(path)
        yield Witness(process, port, journal)
        journal.close()
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
