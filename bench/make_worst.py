"""An instance with Banking77's 3,080 held-out questions answered by a model that learned its 10,003
rows, three of ten wrongly; the nearest rows are found.

    python -m bench.make_worst [FIND]

It prints as JSON what there is to ask for, a session and what finding the rows took a worker, in a
process of its own.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from app import worker
from app.auth import service as auth
from app.core.database import unit_of_work
from app.evaluations.worst import tasks
from app.evaluations.worst.models import WorstList
from app.settings import ROOT
from tests import make
from tests.evaluations.planted import (
    Player,
    Question,
    make_report,
    plant_evaluation,
    plant_run,
    right_in,
)

BANKING77 = ROOT / "examples" / "banking77"
UNUSED = "nobody signs in with a password here"


def make_worst() -> dict[str, Any]:
    """Write it, and find the rows."""
    said = [json.loads(row)["messages"] for row in (BANKING77 / "validation.jsonl").open()]
    asked = [Question(one[1]["content"], one[2]["content"]) for one in said]
    labels = sorted({str(one.reference) for one in asked})
    with unit_of_work() as session:
        owner = make.make_user(session, "owner", password_hash=UNUSED)
        project = make.make_project(session, owner)
        connection = make.make_connection(session, project)
        content = (BANKING77 / "train.jsonl").read_bytes()
        version = make.make_checked_version(session, project, content)
        model = make.make_model(session, project, connection, version)
        run = plant_run(
            session,
            plant_evaluation(session, project, asked),
            Player("base", right_in(60, 1, labels)),
            Player("tuned", right_in(70, 2, labels), job_id=model.job_id),
        )
        made = {
            "session": auth.sign_in(session, owner.id),
            "token": auth.create_token(session, owner, name="bench"),
            "run_id": run.id,
        }
    make_report(int(made["run_id"]))
    found = subprocess.run(
        [sys.executable, "-m", "bench.make_worst", "find"], check=True, stdout=subprocess.PIPE
    )
    return {**made, **json.loads(found.stdout)}


def find() -> dict[str, Any]:
    """Find the rows as a worker does."""
    worker.load()
    before, begun = _peak(), time.perf_counter()
    while waiting := tasks.waiting():
        for _, row_id in waiting:
            tasks.find(row_id)
    seconds = time.perf_counter() - begun
    with unit_of_work() as session:
        cases = session.query(WorstList).one().looked
    return {"cases": cases, "seconds": seconds, "before": before, "megabytes": _peak()}


def _peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (one for one in lines if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(find() if sys.argv[1:] else make_worst()))
