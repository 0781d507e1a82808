"""The whole product as real processes: on an empty folder, or in the shape it has on servers."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core import owned
from app.settings import ROOT
from tests.waiting import eventually

TRAINER_KEY = "a-trainer-key-for-tests-only"
START_SECONDS = 60
STOP_SECONDS = 30
# Without the last, every start would compile the program anew where it is set.
NOT_INHERITED = ("LUTHIER_", "PORT", "DATABASE_URL", "REDIS_URL", "PYTHONDONTWRITEBYTECODE")


def free_port() -> int:
    """A loopback port nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, **more: str) -> dict[str, str]:
    """Ours alone: nothing that was set for another instance."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(NOT_INHERITED)}
    return {**plain, "LUTHIER_HOME": str(home), "PYTHONUNBUFFERED": "1", **more}


def processes_of(home: Path) -> list[int]:
    """Every living process that was started for this home, however it is related to us."""
    mark = f"LUTHIER_HOME={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The broker writes its title over its environment.
            is_ours = mark in (folder / "environ").read_bytes().split(b"\0") or (
                str(home / "run") in (folder / "cmdline").read_text(errors="replace")
            )
            is_dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if is_ours and not is_dead:
            found.append(int(folder.name))
    return found


def proportional_bytes(pids: list[int]) -> int:
    """Memory of these processes together, shared pages counted once (PSS)."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += 1024 * sum(
            int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")
        )
    return total


def command_line(pid: int) -> str:
    """The words a process was started with."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


def answer(url: str, timeout: float = 2) -> tuple[int, Any]:
    """Status and JSON of a GET; (0, None) when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:  # noqa: S310 - ours
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")
    except (OSError, ValueError):
        return 0, None


@dataclass
class Program:
    """One running command with everything it prints."""

    process: subprocess.Popen[bytes]
    home: Path
    output_path: Path
    words: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path = ROOT
    address: str = ""
    started_at: float = field(default_factory=time.monotonic)

    @property
    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    def child(self, word: str) -> int:
        """The process below this one that runs the program's command `word`."""
        for pid in owned.descendants(self.process.pid):
            with suppress(OSError):  # another may end meanwhile
                if f"-m app {word}" in command_line(pid):
                    return pid
        raise AssertionError(
            f"no {word} among {[command_line(p) for p in processes_of(self.home)]}"
        )

    def health(self) -> tuple[int, Any]:
        """Status and body of /healthz."""
        return answer(f"{self.address}/healthz")

    def start_again(self) -> None:
        """A dead program once more, with the same words and settings."""
        self.process.wait(STOP_SECONDS)
        name = self.output_path.stem.rpartition(".")[2]
        again = launch(self.home, *self.words, output=f"{name}-again", cwd=self.cwd, **self.env)
        self.process, self.output_path = again.process, again.output_path

    def wait_until_healthy(self, within: float = START_SECONDS) -> None:
        """Every part says that it lives."""
        eventually(self._is_healthy, within=within)

    def _is_healthy(self) -> bool:
        assert self.process.poll() is None, f"it ended:\n{self.output}"
        status, body = self.health()
        assert status == 200, f"{status} {body}\n{self.output}"
        return True

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; its exit status. Fails when anything it started is left."""
        self.process.send_signal(how)
        status = self.process.wait(STOP_SECONDS)
        left = [f"{pid} {command_line(pid)}" for pid in processes_of(self.home)]
        assert not left, f"left behind: {left}\n{self.output}"
        return status

    def ends(self, within: float) -> bool:
        """Whether it ends by itself in so many seconds."""
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True

    def clear_away(self) -> None:
        """End whatever is left, quietly: the test has said already what is wrong."""
        for pid in [self.process.pid, *processes_of(self.home)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(STOP_SECONDS)


def launch(
    home: Path, *words: str, output: str = "output", cwd: Path = ROOT, **env: str
) -> Program:
    """Start one command of the program on `home`, without waiting for anything."""
    home.mkdir(parents=True, exist_ok=True)
    path = home.with_name(f"{home.name}.{output}.txt")
    with path.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *words],
            cwd=cwd,
            env=environment(home, **env),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    return Program(process, home, path, words, env, cwd)


@contextmanager
def start_luthier(home: Path, *, port: int | None = None, **env: str) -> Iterator[Program]:
    """`make run` on `home`, healthy; stopped afterwards, and nothing may be left behind."""
    taken = port or free_port()
    program = launch(home, "run", PORT=str(taken), **env)
    program.address = f"http://127.0.0.1:{taken}"
    try:
        program.wait_until_healthy()
        yield program
        if program.process.poll() is None:
            program.stop()
    finally:
        program.clear_away()


@contextmanager
def start_server_shape(
    home: Path, *, database_url: str, redis_url: str, workers: int = 2, **env: str
) -> Iterator[dict[str, Program]]:
    """Web, workers, beat and trainer, each started for itself as on a server; by their names."""
    port, trainer_port = free_port(), free_port()
    common = {
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "LUTHIER_TRAINER_URL": f"http://127.0.0.1:{trainer_port}/v1",
        "LUTHIER_TRAINER_KEY": TRAINER_KEY,
        **env,
    }
    first = launch(home, "migrate", output="migrate", **common)
    assert first.process.wait(START_SECONDS) == 0, first.output
    names = ("web", *(f"worker{n}" for n in range(1, workers + 1)), "beat")
    programs: dict[str, Program] = {}
    try:
        programs["trainer"] = launch(
            home,
            *("trainer", "--port", str(trainer_port)),
            output="trainer",
            LUTHIER_TRAINER_KEYS=TRAINER_KEY,
        )
        programs["trainer"].address = f"http://127.0.0.1:{trainer_port}"
        for name in names:
            programs[name] = launch(home, name.rstrip("0123456789"), output=name, **common)
        programs["web"].address = f"http://127.0.0.1:{port}"
        programs["web"].wait_until_healthy()
        yield programs
        for program in programs.values():
            program.process.terminate()
        for name, program in programs.items():
            assert program.ends(STOP_SECONDS), f"{name} does not end:\n{program.output}"
        assert not processes_of(home), [command_line(pid) for pid in processes_of(home)]
    finally:
        for program in programs.values():
            program.clear_away()
