"""The worst cases of a model that learned from 10,003 rows, each beside the nearest: its page < 200
ms on both databases, and what a worker that finds the rows takes.

    python -m bench.worst [--asks 20]

The pages come from a real `python -m app web` over loopback, one request at a time; the limit
beside them is /livez, which touches nothing.
"""

import argparse

from bench.timed import databases

CLAIM_MS = 200.0


def main() -> int:
    """Fill, ask, print for both databases; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--asks", type=int, default=20)
    asked = words.parse_args()
    slowest = 0.0
    for filled in databases("bench.make_worst"):
        made = filled.made
        print(
            f"{filled.name:>10}  the nearest rows of {made['cases']:,} cases took a worker "
            f"{made['seconds']:.1f} s, and {made['before']:.0f} MB became "
            f"{made['megabytes']:.0f} MB at most"
        )
        worst = f"/evaluation-runs/{made['run_id']}/contestants/2/worst"
        pages = {
            "the page": worst,
            "the rows say otherwise": f"{worst}?says=otherwise",
            "the least alike first": f"{worst}?sort=near",
            "a word": f"{worst}?q=card",
            "as JSON, 50 at once": f"/api/v1{worst}",
        }
        limit = {"limit: /livez": "/livez"}
        slowest = max(slowest, filled.worst(pages, limit, asks=asked.asks, within=120))
    print(f"worst p95 {slowest:.1f} ms; the claim is < {CLAIM_MS:.0f} ms")
    return 0 if slowest < CLAIM_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
