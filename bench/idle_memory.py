"""Idle memory of everything `make run` starts: the sum of PSS < 600 MB."""

import tempfile
import time
from pathlib import Path

from tests.processes import command_line, processes_of, proportional_bytes, start_luthier

CLAIM_MB = 600
SETTLE_SECONDS = 20
MB = 1_000_000


def main() -> int:
    """Start on an empty folder, let it settle, add up; the exit status."""
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as place,
        start_luthier(Path(place) / "home") as luthier,
    ):
        time.sleep(SETTLE_SECONDS)
        total = 0
        for pid in processes_of(luthier.home):
            size = proportional_bytes([pid])
            total += size
            words = command_line(pid).replace(place, "…")
            print(f"{size / MB:8.1f} MB  {words[-80:]}")
    print(f"{total / MB:8.1f} MB  in all; the claim is < {CLAIM_MB} MB")
    return 0 if total < CLAIM_MB * MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
