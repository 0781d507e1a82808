"""Banking77 put to a base model and to what was tuned of it, over the API; all that follows from
it. The questions are those of a few labels that are easily confused, so that minutes are enough.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.journeys.api import ENDED, HELD_OUT, TRAINING, Script
from tests.processes import Program
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.handle import Witness

LABELS = (
    "card_arrival",
    "cash_withdrawal_not_recognised",
    "declined_cash_withdrawal",
    "declined_transfer",
    "failed_transfer",
    "pending_cash_withdrawal",
    "pending_top_up",
    "pending_transfer",
    "top_up_failed",
    "top_up_reverted",
    "transfer_not_received_by_recipient",
    "transfer_timing",
)
ROWS, CASES = 25, 14
"""Of each label."""
EPOCHS = (1, 3, 10)
SAMPLED = {"temperature": 0, "max_tokens": 16}


@dataclass
class Stand:
    """A project in which Banking77 is evaluated."""

    luthier: Program
    script: Script
    project: int
    practice: int = 0
    base: str = ""
    training: int = 0
    evaluation: int = 0
    jobs: dict[int, int] = field(default_factory=dict)
    models: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def right(self) -> dict[str, str]:
        """The held-out questions, each with its right answer."""
        said = (json.loads(line)["messages"] for line in _rows(HELD_OUT, CASES))
        return {one[1]["content"]: one[2]["content"] for one in said}

    def prepare(self, folder: Path) -> None:
        """The rows, the evaluation, and a job for each number of epochs; the longest is evaluated
        by itself when it has ended.
        """
        script, at = self.script, f"/projects/{self.project}"
        (practice,) = script.get(f"{at}/connections")["data"]
        self.practice = practice["id"]
        offered = script.get(f"/connections/{self.practice}/base-models")["data"]
        self.base = offered[0]["name"]
        self.training = self._upload(folder, TRAINING, ROWS, "Banking77")
        held_out = self._upload(folder, HELD_OUT, CASES, "Banking77, held out")
        for epochs in EPOCHS:
            job = script.start_job(
                self.project,
                suffix=f"intents-{epochs}",
                n_epochs=epochs,
                training_version_id=self.training,
            )
            self.jobs[epochs] = job["id"]
        label = {
            "type": "label",
            "name": "intent",
            "reference": "{{ item.answer }}",
            "labels": list(LABELS),
        }
        grader = script.post(f"{at}/graders", json={"grader": label})["grader_id"]
        body = {"name": "Held-out questions", "version_id": held_out, "graders": [grader]}
        self.evaluation = script.post(f"{at}/evaluations", json=body)["id"]
        eventually(
            lambda: script.get(f"/evaluations/{self.evaluation}")["status"] == "ready", within=60
        )
        asked = {"evaluation_id": self.evaluation, "has_checkpoints": True}
        script.post(f"/jobs/{self.jobs[EPOCHS[-1]]}/evaluations-after", json=asked)
        for epochs, job_id in self.jobs.items():
            self.models[epochs] = self._model_of(job_id)

    def _upload(self, folder: Path, file: Path, each: int, name: str) -> int:
        made = folder / file.name
        made.write_text("\n".join(_rows(file, each)) + "\n")
        return int(self.script.upload(self.project, made, name)["version"]["id"])

    def _model_of(self, job_id: int) -> dict[str, Any]:
        def ended() -> Any:
            job = self.script.get(f"/jobs/{job_id}")
            assert job["status"] in ENDED, job
            return job

        job = eventually(ended, within=180, every=0.25)
        assert job["status"] == "succeeded", job
        found: dict[str, Any] = self.script.get(f"/models/{job['model_id']}")
        return found

    def start_run(self) -> int:
        """All contestants in one run; its id."""
        base = {"connection_id": self.practice, "model": self.base}
        shots = {"version_id": self.training, "k": 8, "way": "nearest"}
        tuned = [
            {"connection_id": self.practice, "model": one["name"]} for one in self.models.values()
        ]
        body = {"contestants": [base, {**base, "shots": shots}, *tuned], "settings": SAMPLED}
        made = self.script.post(f"/evaluations/{self.evaluation}/runs", json=body)
        return int(made["id"])

    def run(self, run_id: int) -> Any:
        """A run as it stands."""
        return self.script.get(f"/evaluation-runs/{run_id}")

    def finished(self, run_id: int) -> Any:
        """The report of a run, once it is over."""

        def made() -> Any:
            run = self.run(run_id)
            assert run["status"] == "done", run
            report = self.script.get(f"/evaluation-runs/{run_id}/report")
            assert report["is_made"], report["lead"]
            return report

        return eventually(made, within=180, every=0.25)

    def ended(self, path: str) -> Any:
        """What stands at a path, once it has ended."""

        def over() -> Any:
            found = self.script.get(path)
            assert found["ended_at"], found
            return found

        return eventually(over, within=120, every=0.25)

    def sent(self, run_id: int) -> dict[tuple[int, int], tuple[str, int]]:
        """Of each contestant and case of a run: its status, and how often it was sent."""
        with closing(sqlite3.connect(self.luthier.home / "luthier.sqlite", timeout=30)) as found:
            rows = found.execute(
                "SELECT contestant_id, case_id, status, asked FROM results WHERE run_id = ?",
                (run_id,),
            )
            return {(who, case): (status, asked) for who, case, status, asked in rows}

    def between(self, run_id: int, first: int, second: int) -> int:
        """A run of what two contestants of a run answered, by their places; its id."""
        there = self.run(run_id)["contestants"]
        body = {"contestants": [{"recorded_id": there[at]["id"]} for at in (first, second)]}
        made = self.script.post(f"/evaluations/{self.evaluation}/runs", json=body)
        return int(made["id"])

    def record(self, epochs: int) -> Any:
        """The answers of a model for ever, each case twice; the recording once it is whole."""
        asked = {"evaluation_id": self.evaluation, "repeats": 2, **SAMPLED}
        made = self.script.post(f"/models/{self.models[epochs]['id']}/golden", json=asked)

        def is_whole() -> Any:
            recording = self.script.get(f"/golden/{made['id']}")
            assert recording["noise"], recording
            return recording

        return eventually(is_whole, within=120, every=0.25)

    def check(self, recording_id: int, model: str, margin: float) -> Any:
        """What a successor comes to beside a recording."""
        asked = {"connection_id": self.practice, "model": model, "margin": margin}
        path = f"/golden/{recording_id}"
        made = self.script.post(f"{path}/checks", json=asked)["checks"]
        newest = max(one["id"] for one in made)

        def told() -> Any:
            (one,) = (one for one in self.script.get(path)["checks"] if one["id"] == newest)
            assert one["verdict"], one
            return one

        return eventually(told, within=120, every=0.25)


def _rows(file: Path, each: int) -> list[str]:
    """The first rows of each label, as they stand in the file."""
    counts: Counter[str] = Counter()
    found = []
    for line in file.read_text().splitlines():
        label = json.loads(line)["messages"][-1]["content"]
        if label in LABELS and counts[label] < each:
            counts[label] += 1
            found.append(line)
    return found


def judges_at(stand: Stand, witness: Witness, ways: Sequence[tuple[str, str]]) -> dict[str, int]:
    """A judge of two of the library for each model of the witness and its way; their ids by way."""
    witness.set(judges=dict(ways), right=stand.right)
    at = f"/projects/{stand.project}"
    account = {"name": "Judges", "kind": "openai", "base_url": witness.url, "api_key": handle.KEY}
    connection = stand.script.post(f"{at}/connections", json=account)["id"]
    path = f"/connections/{connection}"
    eventually(lambda: stand.script.get(path)["status"] == "ready", within=60)
    # Of a server that nobody knows, one answer a second is asked for.
    place = stand.luthier.home / "luthier.sqlite"
    with closing(sqlite3.connect(place, timeout=30)) as database, database:
        database.execute("UPDATE connections SET profile = 'openai' WHERE id = ?", (connection,))
    found = {}
    for model, way in ways:
        grader = {
            "type": "pairwise",
            "name": f"Judge {way}",
            "model": model,
            "rubric": "The intent is the right one.",
        }
        body = {"grader": grader, "connection_id": connection}
        found[way] = stand.script.post(f"{at}/graders", json=body)["grader_id"]
    return found
