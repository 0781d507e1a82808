"""Every bad input of the corpus is answered within 2 s by a server that does nothing else.

    python -m bench.corpus

The inputs are those of `tests/walls/test_corpus.py`, one after the other on a real web process over
loopback; the limit beside them is /livez, which touches nothing. Most of the time of the slowest is
the hashing of a password, which is slow on purpose.
"""

import json
import tempfile
from pathlib import Path
from statistics import median, quantiles

from tests import broker, postgres
from tests.conftest import _migrate as migrated
from tests.walls.live import Live, live_server
from tests.walls.test_corpus import ADDRESSES, DOORS, FORMS, send

CLAIM_SECONDS = 2.0
SHOWN = 5


def main() -> int:
    """Ask all of it, on both databases; the exit status."""
    worst = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as place,
        broker.running() as redis_url,
        postgres.running() as server,
    ):
        url = server.create()
        migrated(url)
        for kind, address in (("sqlite", None), ("postgresql", url)):
            folder = Path(place) / kind
            folder.mkdir()
            with live_server(folder, kind, url=address, REDIS_URL=redis_url) as live:
                worst = max(worst, measure(live))
    print(f"slowest {worst:.2f} s; the claim is < {CLAIM_SECONDS:.0f} s")
    return 0 if worst < CLAIM_SECONDS else 1


def measure(live: Live) -> float:
    """Print how long the answers took; the slowest in seconds."""
    found = []
    for case in (*FORMS, *DOORS):
        kind, to, given, *_ = case.values
        if kind == live.database:
            found.append((send(live, to, given).seconds, f"{to} = {given}"))
    for url in ADDRESSES:
        to = "api.connections.create base_url"
        found.append((send(live, to, json.dumps(url)).seconds, url))
    seconds = sorted(one for one, _ in found)
    at_best = median(live.get("/livez").seconds for _ in range(50))
    print(
        f"{live.database}: {len(found)} inputs, median {1000 * median(seconds):.1f} ms, "
        f"p95 {1000 * quantiles(seconds, n=20)[-1]:.1f} ms, livez {1000 * at_best:.1f} ms"
    )
    for one, words in sorted(found, reverse=True)[:SHOWN]:
        print(f"  {one:.3f} s  {words[:90]!r}")
    return seconds[-1]


if __name__ == "__main__":
    raise SystemExit(main())
