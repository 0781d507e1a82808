"""What a stranger does: clone, `make run`, look, end it; on a path with a space. And what a
container does: the image's files alone, with what the runtime lock installs.
"""

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
sys.path.insert(0, str(ROOT))

from tests.image import build  # noqa: E402 - a script's own folder is not the root

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
        start_image(clone, Path(place) / "image", port)
        print("The image's files and the runtime lock are enough for every process.")
    return 0


def start_image(clone: Path, image: Path, port: int) -> None:
    """Start from the files the Dockerfile copies, as `make run` installed the lock. Exits when a
    process lacks something.
    """
    build(image, clone)
    python = str(clone / ".venv" / "bin" / "python")
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("LUTHIER_")},
        "LUTHIER_HOME": str(image.with_name("image-home")),
        "REDIS_URL": f"unix://{image}/nobody",
        "PORT": str(port),
    }
    imports = "import app.worker, app.trainer.server, app.trainer.child; app.worker.load()"
    for words in (["-m", "app", "migrate"], ["-c", imports]):
        subprocess.run(
            [python, *words], cwd=image, env=environment, check=True, stdout=subprocess.DEVNULL
        )
    web = subprocess.Popen([python, "-m", "app", "web"], cwd=image, env=environment)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_alive(port):
            if web.poll() is not None or time.monotonic() > deadline:
                sys.exit("The web process does not start from the image's files.")
            time.sleep(0.2)
        for path in ("login", "static/vendor/htmx.min.js", "static/js/main.js"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}").close()
    finally:
        web.terminate()
        web.wait(STOP_SECONDS)


def is_alive(port: int) -> bool:
    """Whether the web process answers."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5).close()
    except OSError:
        return False
    return True


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
