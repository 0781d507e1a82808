"""Job list and job page with 10,000 jobs and a million points: p95 < 50 ms on both databases.

    python -m bench.pages [--jobs 10000] [--asks 300]

The limit beside them is /livez, which touches nothing. One job holds half of all points.
"""

import argparse

from bench.timed import Filled, databases

CLAIM_MS = 50.0
POINTS = 1_000_000


def main() -> int:
    """Fill, ask, print for both databases; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--jobs", type=int, default=10_000)
    words.add_argument("--asks", type=int, default=300)
    asked = words.parse_args()
    filled = databases("bench.make_jobs", str(asked.jobs), str(POINTS))
    worst = max(measure(one, asked.asks) for one in filled)
    print(f"worst p95 {worst:.1f} ms; the claim is < {CLAIM_MS:.0f} ms")
    return 0 if worst < CLAIM_MS else 1


def measure(filled: Filled, asks: int) -> float:
    """Time every page of one database; the worst p95 of those the claim is about, in ms."""
    made = filled.made
    project, job, step = made["project_id"], made["job_id"], made["last_step"]
    claimed = {
        "job list, first page": f"/projects/{project}/jobs",
        "job list, in the middle": f"/projects/{project}/jobs?after={job // 2}",
        "job page": f"/jobs/{job}",
        "its panel": f"/jobs/{job}/progress",
    }
    beside = {
        "limit: /livez": "/livez",
        "job list as JSON, 50": f"/api/v1/projects/{project}/jobs",
        "home": f"/projects/{project}",
        "its chart, whole": f"/jobs/{job}/metrics",
        "its chart, new points": f"/jobs/{job}/metrics?after_step={step - 20}",
    }
    return filled.worst(claimed, beside, asks=asks, within=30)


if __name__ == "__main__":
    raise SystemExit(main())
