"""The JSON API as a script uses it, and the real dataset that the journeys walk with."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx2
import openai
from openai.types.fine_tuning import FineTuningJob

from app.providers.values import OP_KEY_TAG
from app.settings import ROOT
from tests.processes import Program, environment
from tests.waiting import eventually

BANKING77 = ROOT / "examples" / "banking77"
TRAINING, HELD_OUT = BANKING77 / "train.jsonl", BANKING77 / "validation.jsonl"
OWNER = {"LUTHIER_OWNER_EMAIL": "mara@example.org", "LUTHIER_OWNER_PASSWORD": "a bow of pernambuco"}
ENDED = {"succeeded", "failed", "cancelled"}
SERIES = ("train_loss", "valid_loss", "full_valid_loss", "train_mean_token_accuracy")
ASKING_AT_ONCE = 8


def command(home: Path, *words: str, typed: str | None = None, **env: str) -> str:
    """What one of the program's commands prints."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=ROOT,
        env=environment(home, **env),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Script:
    """Somebody's script: it holds a token and an address."""

    def __init__(self, web: Program, **env: str) -> None:
        token = command(web.home, "create-token", OWNER["LUTHIER_OWNER_EMAIL"], **env)
        self._http = httpx2.Client(
            base_url=f"{web.address}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET that must succeed."""
        return self._read(self._http.get(path, params=query), 200)

    def post(self, path: str, expected: int = 201, **words: Any) -> Any:
        """The JSON of a POST that must be answered so."""
        return self._read(self._http.post(path, **words), expected)

    def patch(self, path: str, **words: Any) -> Any:
        """The JSON of a PATCH that must succeed."""
        return self._read(self._http.patch(path, **words), 200)

    def delete(self, path: str) -> None:
        """A DELETE that must succeed."""
        answer = self._http.delete(path)
        assert answer.status_code == 204, f"{answer.status_code} {answer.text[:500]}"

    def _read(self, answer: httpx2.Response, expected: int) -> Any:
        assert answer.status_code == expected, f"{answer.status_code} {answer.text[:500]}"
        return answer.json()

    def content(self, version_id: int) -> bytes:
        """The bytes of a dataset version."""
        return self._http.get(f"/dataset-versions/{version_id}/content").content

    def upload(self, project_id: int, path: Path, name: str, *, verdict: str = "ready") -> Any:
        """Send a file as a new dataset and wait for its verdict; the dataset."""
        with path.open("rb") as file:
            made = self.post(
                f"/projects/{project_id}/datasets", 202, files={"file": file}, data={"name": name}
            )

        def is_judged() -> bool:
            version = self.get(f"/dataset-versions/{made['version']['id']}")
            assert version["status"] == verdict, version
            return True

        eventually(is_judged, within=60)
        return made

    def start_job(self, project_id: int, *, suffix: str, n_epochs: int, **words: Any) -> Any:
        """A supervised job on Practice."""
        connection = self.get(f"/projects/{project_id}/connections")["data"][0]
        assert connection["name"] == "Practice"
        base_model = self.get(f"/connections/{connection['id']}/base-models")["data"][0]["name"]
        body = {
            "connection_id": connection["id"],
            "base_model": base_model,
            "method": "supervised",
            "hyperparameters": {"n_epochs": n_epochs},
            "suffix": suffix,
            "seed": 7,
            **words,
        }
        return self.post(
            f"/projects/{project_id}/jobs", json=body, headers={"Idempotency-Key": suffix}
        )

    def answers(self, model_id: int, conversations: Sequence[list[dict[str, str]]]) -> list[str]:
        """The model's answer to each, several asked at once."""

        def ask(messages: list[dict[str, str]]) -> str:
            body = {"messages": messages, "temperature": 0, "max_tokens": 40}
            answer = self.post(f"/models/{model_id}/chat", 200, json=body)
            return str(answer["choices"][0]["message"]["content"])

        with ThreadPoolExecutor(ASKING_AT_ONCE) as pool:
            return list(pool.map(ask, conversations))


class Curve:
    """A job's points as a script collects them: only what is new is asked for each time."""

    def __init__(self, script: Script, job_id: int) -> None:
        self._script = script
        self._job_id = job_id
        self._last_step = -1
        self.steps: list[int] = []
        self.series: dict[str, list[float | None]] = {name: [] for name in SERIES}
        self.counts: list[int] = []

    def read_on(self) -> int:
        """Ask for what came since the last time; how many points there are now."""
        path = f"/jobs/{self._job_id}/metrics"
        while (new := self._script.get(path, after_step=self._last_step))["step"]:
            self.steps += new["step"]
            for name in SERIES:
                self.series[name] += new[name]
            self._last_step = new["last_step"]
            assert self._last_step == self.steps[-1]
        if self.steps and self.counts[-1:] != [len(self.steps)]:
            self.counts.append(len(self.steps))
        return len(self.steps)

    def job(self) -> Any:
        """The job as it stands now."""
        return self._script.get(f"/jobs/{self._job_id}")

    def wait_for_more(self, within: float) -> None:
        """Points arrive: there are more than before."""
        seen = self.read_on()

        def arrived() -> bool:
            assert self.read_on() > seen, f"{seen} points, and no more: {self.job()}"
            return True

        eventually(arrived, within=within, every=0.25)

    def follow(self, within: float) -> Any:
        """Read on until the job has ended; the job."""

        def ended() -> Any:
            job = self.job()
            self.read_on()
            assert job["status"] in ENDED, job
            return job

        return eventually(ended, within=within, every=0.25)

    def assert_whole(self, total_steps: int) -> None:
        """Every step once and in order, each with its losses as numbers."""
        assert self.steps == list(range(1, total_steps + 1))
        assert all(isinstance(loss, float) for loss in self.series["train_loss"])
        assert self.series["full_valid_loss"][-1] is not None
        head, tail = self.series["train_loss"][:20], self.series["train_loss"][-20:]
        assert sum(map(float, tail)) < sum(map(float, head)) / 2


def runs_at(trainer: str, key: str) -> dict[str, FineTuningJob]:
    """Every run a trainer ever took, by its id, as the official client sees them; no two carry the
    same tag.
    """
    with openai.OpenAI(base_url=f"{trainer}/v1", api_key=key, max_retries=0) as client:
        runs = list(client.fine_tuning.jobs.list())
        for run in runs:
            tag = (run.metadata or {})[OP_KEY_TAG]
            assert list(client.fine_tuning.jobs.list(metadata={OP_KEY_TAG: tag})) == [run]
        return {run.id: run for run in runs}


def held_out() -> tuple[list[list[dict[str, str]]], list[str]]:
    """The questions no model here has trained on, and their true labels."""
    rows = [json.loads(line)["messages"] for line in HELD_OUT.read_text().splitlines()]
    return [row[:-1] for row in rows], [row[-1]["content"] for row in rows]


def commonest_label() -> str:
    """What somebody would always say who knows only how often each label occurs in training."""
    rows = (json.loads(line)["messages"] for line in TRAINING.read_text().splitlines())
    return Counter(row[-1]["content"] for row in rows).most_common(1)[0][0]
