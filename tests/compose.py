"""docker-compose.yml as tests read it: every service with the very command and environment that
Docker would give it, and only the addresses exchanged for those of this machine.
"""

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from app.core import owned
from app.settings import ROOT
from tests import image
from tests.processes import Program, launch

VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def required() -> set[str]:
    """The variables that compose does not start without."""
    text = (ROOT / "docker-compose.yml").read_text()
    return {name for name, how, _ in VARIABLE.findall(text) if how == "?"}


def services(**variables: str) -> dict[str, Any]:
    """Every service, `${NAME:?}` and `${NAME:-other}` filled in as compose does."""

    def value(found: re.Match[str]) -> str:
        name, how, other = found.groups()
        if not variables.get(name) and how == "?":
            raise KeyError(f"{name} is required.")
        return variables.get(name) or other or ""

    text = (ROOT / "docker-compose.yml").read_text()
    found: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, text))["services"]
    return found


@dataclass
class Machine:
    """Where the services of this test live: the image's files, a shared folder, real addresses."""

    tree: Path
    home: Path
    addresses: dict[str, str]
    variables: dict[str, str]

    def here(self, text: str) -> str:
        """A service's setting or word with the addresses of this machine; the longest first."""
        for there in sorted(self.addresses, key=len, reverse=True):
            text = text.replace(there, self.addresses[there])
        return text

    def environment(self, name: str) -> dict[str, str]:
        """What Docker would set: the image's ENV, then the service's."""
        own = services(**self.variables)[name]["environment"]
        given = {**image.stages()[-1].environment, **own}
        return {key: self.here(str(value)) for key, value in given.items()}

    def start(self, name: str, number: int = 1, port: int | None = None, **more: str) -> Program:
        """One container's process. Inside a network of its own every web has the same port; here
        each needs another.
        """
        python, dash, app, *words = services(**self.variables)[name]["command"]
        assert (python, dash, app) == ("python", "-m", "app")
        env = {**self.environment(name), **more}
        home = Path(env.pop("LUTHIER_HOME"))
        here = [self.here(word) for word in words]
        if port is not None:
            here += ["--port", str(port)]
        started = launch(home, *here, output=f"{name}-{number}", cwd=self.tree, **env)
        started.address = f"http://127.0.0.1:{port}"
        return started


def kill(program: Program) -> None:
    """End a process and those below it as `kill -9` does, or a power cut."""
    for pid in (program.process.pid, *owned.descendants(program.process.pid)):
        os.kill(pid, signal.SIGKILL)
    program.process.wait(10)
