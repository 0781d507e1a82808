"""A warm start of everything: the address is printed in under 5 s, and every part lives soon after.

    python -m bench.start [--times 5]

The limit beside it is this machine's Python importing the web application alone, in one process.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.processes import environment, free_port, launch
from tests.waiting import eventually

CLAIM_SECONDS = 5
OWNER = {
    "LUTHIER_OWNER_EMAIL": "bench@example.org",
    "LUTHIER_OWNER_PASSWORD": "a password for a bench only",
}


def start(home: Path) -> tuple[float, float]:
    """Seconds until the address is printed, and until every part lives."""
    port = free_port()
    begun = time.perf_counter()
    luthier = launch(home, "run", PORT=str(port), **OWNER)
    luthier.address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: "ready" in luthier.output, within=60, every=0.01)
        printed = time.perf_counter() - begun
        luthier.wait_until_healthy()
        healthy = time.perf_counter() - begun
        luthier.stop()
        return printed, healthy
    finally:
        luthier.clear_away()


def alone(home: Path) -> float:
    """Seconds one process needs to import the web application and nothing else."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "import app.main"],
        env=environment(home, REDIS_URL="unix:///nowhere"),
        check=True,
    )
    return time.perf_counter() - begun


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--times", type=int, default=5)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="luthier-") as place:
        home = Path(place) / "home"
        start(home)  # cold: makes the database
        runs = [start(home) for _ in range(asked.times)]
        printed = statistics.median(first for first, _ in runs)
        healthy = statistics.median(second for _, second in runs)
        limit = statistics.median(alone(home) for _ in range(asked.times))
    print(f"address {printed:.2f} s (claim < {CLAIM_SECONDS} s), every part {healthy:.2f} s")
    print(f"importing the web application alone: {limit:.2f} s")
    return 0 if printed < CLAIM_SECONDS else 1


if __name__ == "__main__":
    raise SystemExit(main())
