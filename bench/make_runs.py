"""An instance with an evaluation of many cases and a finished run of many contestants.

    python -m bench.make_runs [CASES] [CONTESTANTS]

It prints as JSON what there is to ask for, a session and how long the report took to make.
"""

import json
import sys
import time
from typing import Any

from app.auth import service as auth
from app.core.database import unit_of_work
from app.evaluations.reports.models import Report
from tests import make
from tests.evaluations.planted import (
    Player,
    Question,
    make_report,
    plant_evaluation,
    plant_run,
    right_in,
)

LABELS = tuple(f"intent_number_{n}" for n in range(77))
PROSE = "I have been waiting for this since the beginning of last week and nobody has told me why."
UNUSED = "nobody signs in with a password here"
CHANNELS = ("mail", "phone", "chat")


def make_runs(cases: int, contestants: int) -> dict[str, Any]:
    """Write it; as a worker leaves it when the run is over."""
    with unit_of_work() as session:
        owner = make.make_user(session, "owner", password_hash=UNUSED)
        project = make.make_project(session, owner)
        asked = [
            Question(
                f"Question {n}: where is my parcel? {PROSE}",
                LABELS[n * 7 % len(LABELS)],
                {"channel": CHANNELS[n % 3]},
            )
            for n in range(1, cases + 1)
        ]
        kept = plant_evaluation(session, project, asked)
        players = [
            Player(f"contestant {n}", right_in(95 - 4 * n, n, LABELS)) for n in range(contestants)
        ]
        run_id = plant_run(session, kept, *players).id
        made = {
            "session": auth.sign_in(session, owner.id),
            "token": auth.create_token(session, owner, name="bench"),
            "project_id": project.id,
            "evaluation_id": kept.id,
            "run_id": run_id,
        }
    begun = time.perf_counter()
    make_report(run_id)
    with unit_of_work() as session:
        assert session.query(Report).one().figures
    return {**made, "report_seconds": round(time.perf_counter() - begun, 2)}


if __name__ == "__main__":
    print(json.dumps(make_runs(*map(int, sys.argv[1:]))))
