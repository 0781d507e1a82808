"""What a stranger does: clone, `make run`, look, end it; on a path with a space."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 300
STOP_SECONDS = 30


def main() -> int:
    """Clone, start, look at the pages, stop, start again warm; the exit status."""
    with tempfile.TemporaryDirectory(prefix="luthier-") as place:
        clone = Path(place) / "a clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for moment in ("fresh", "warm"):
            seconds = start_and_stop(clone, port)
            print(f"A {moment} clone answers after {seconds:.1f} s and leaves nothing behind.")
    return 0


def start_and_stop(clone: Path, port: int) -> float:
    """Seconds until every part lives. Exits with the reason when it does not, or does not end."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("LUTHIER_")}
    started = time.monotonic()
    output = clone.with_name("output")
    with output.open("wb") as sink:
        make = subprocess.Popen(
            ["make", "-C", str(clone), "run"],
            env={**plain, "PORT": str(port)},
            stdout=sink,
            stderr=sink,
        )
    try:
        while not is_healthy(port):
            if make.poll() is not None or time.monotonic() - started > START_SECONDS:
                sys.exit(f"It does not start:\n{output.read_text()}")
            time.sleep(0.2)
        seconds = time.monotonic() - started
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
            assert "text/html" in page.headers["content-type"], page.headers
    finally:
        make.send_signal(signal.SIGTERM)
        make.wait(STOP_SECONDS)
    if left := processes_below(clone):
        sys.exit(f"Left behind: {left}")
    return seconds


def is_healthy(port: int) -> bool:
    """Whether every configured part says that it lives."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status == 200 and "parts" in json.load(answer)
    except (OSError, ValueError):
        return False


def processes_below(clone: Path) -> list[str]:
    """Command lines of processes that run from the clone."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            place = str((folder / "cwd").readlink())
        except OSError:
            continue
        if str(clone) in words or place.startswith(str(clone)):
            found.append(f"{folder.name} {words}")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
