"""A real trainer in its own process, and rows to train on."""

import ctypes
import json
import os
import random
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob

from app.trainer.engines.base import StepReport, Task
from app.trainer.engines.practice import ENGINE
from tests.processes import free_port
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
KEY = "a-key-of-the-tests"
BASE = "practice-small"
ENDED = {"succeeded", "failed", "cancelled"}
SERVE = """
import os, pathlib
from app.trainer.server import main
port, home, key = (os.environ["TEST_" + name] for name in ("PORT", "HOME", "KEY"))
main("127.0.0.1", int(port), pathlib.Path(home), [key])
"""
Row = dict[str, Any]


@dataclass
class Trainer:
    """One trainer's process over one home; it can be killed and started again."""

    home: Path
    is_owned: bool = True
    more: dict[str, str] = field(default_factory=dict)
    # A command that runs the server's: it ends in `exec "$@"`.
    around: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    _clients: list[openai.OpenAI] = field(default_factory=list)

    def start(self) -> None:
        """Start and wait until it answers."""
        self.home.mkdir(exist_ok=True)
        ours = {"TEST_PORT": str(self.port), "TEST_HOME": str(self.home), "TEST_KEY": KEY}
        plain = {
            name: value for name, value in os.environ.items() if not name.startswith("LUTHIER")
        }
        owned = {"LUTHIER_OWNED": "1"} if self.is_owned else {}
        with (self.home.parent / f"{self.home.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.around, sys.executable, "-c", SERVE],
                cwd=ROOT,
                env={**plain, **ours, **owned, **self.more},
                stdout=log,
                stderr=log,
            )
        eventually(self.is_healthy, within=30)

    def is_healthy(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/healthz", timeout=2
            ) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server and wait for it."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    def client(self, key: str = KEY) -> openai.OpenAI:
        """The official SDK, without retries: every failure is seen."""
        made = openai.OpenAI(
            base_url=f"http://127.0.0.1:{self.port}/v1", api_key=key, max_retries=0
        )
        self._clients.append(made)
        return made

    def close(self) -> None:
        """End everything that was started for this home."""
        for client in self._clients:
            client.close()
        self.end()
        for child in self.children():
            os.kill(child, signal.SIGKILL)

    def children(self) -> list[int]:
        """Training processes of this home that live now."""
        mark = str(self.home).encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes()
                is_dead = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if b"app.trainer.child" in words and mark in words and not is_dead:
                found.append(int(folder.name))
        return found


@pytest.fixture
def _one_core():
    """Matrices on one core, as in a training child.

    There the environment says so; here numpy may have been imported before anyone could ask.
    """
    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.exists() else []
    for path in {line.split()[-1] for line in lines if "openblas" in line}:
        library = ctypes.CDLL(path)
        for name in ("scipy_openblas_set_num_threads64_", "openblas_set_num_threads"):
            if hasattr(library, name):
                getattr(library, name)(1)


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., Any]:
    """Compile rows into a training of this test."""
    count = 0

    def make(
        rows: list[Row] | Path,
        valid: list[Row] | Path | None = None,
        *,
        seed: int = 1,
        start_from: Path | None = None,
        method: str = "supervised",
        grader: Row | None = None,
        **asked: Any,
    ) -> Any:
        nonlocal count
        count += 1
        work = tmp_path / f"work-{count}"
        work.mkdir()

        def at(name: str, content: list[Row] | Path) -> Path:
            if isinstance(content, Path):
                return content
            path = work / f"{name}.jsonl"
            path.write_bytes(jsonl(content))
            return path

        task = Task(
            training_file=at("training", rows),
            validation_file=None if valid is None else at("validation", valid),
            start_from=start_from,
            seed=seed,
            asked={"batch_size": 16, **asked},
            work=work,
            method=method,
            grader=grader,
        )
        return ENGINE.prepare(task)

    return make


def train(training: Any) -> list[StepReport]:
    """Every step to the end."""
    return list(training.steps())


@pytest.fixture
def make_trainer(tmp_path: Path) -> Iterator[Callable[..., Trainer]]:
    """Trainers of one test alone."""
    made: list[Trainer] = []

    def make(**more: Any) -> Trainer:
        home = tmp_path / f"trainer-{len(made)}"
        made.append(Trainer(home=home, **more))
        made[-1].start()
        return made[-1]

    yield make
    for trainer in made:
        trainer.close()


@pytest.fixture(scope="session")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainer]:
    """One trainer for tests that leave it as it is; it lets models go after a second."""
    home = tmp_path_factory.mktemp("trainer") / "home"
    more = {"LUTHIER_TRAINER_AT_ONCE": "2", "LUTHIER_TRAINER_IDLE_SECONDS": "1"}
    trainer = Trainer(home=home, more=more)
    trainer.start()
    yield trainer
    trainer.close()


@pytest.fixture(scope="session")
def client(trainer: Trainer) -> openai.OpenAI:
    return trainer.client()


@pytest.fixture(scope="session")
def finished(client: openai.OpenAI) -> FineTuningJob:
    """A run that succeeded, with validation, for the tests that only look."""
    run = start_run(
        client,
        intent_rows(200),
        valid=intent_rows(60, seed=9),
        suffix="Intents v1",
        seed=11,
        metadata={"luthier_job": "1"},
        n_epochs=4,
    )
    return ended(client, run.id)


class NoResults:
    """Runs of which none has ended, for the files alone."""

    def result_files(self) -> tuple[()]:
        return ()

    def result_of(self, _file_id: str) -> None:
        return None

    def delete_result(self, _file_id: str) -> bool:
        return False


def chat_row(question: str, answer: str, *, system: str = "Name the intent.", **more: Any) -> Row:
    """One row as people upload them."""
    return {
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer, **more},
        ]
    }


INTENTS = {
    "card_arrival": ["where is my card", "my card has not come", "still waiting for the card"],
    "lost_card": ["I lost my card", "my card is gone", "cannot find my card anywhere"],
    "top_up_failed": ["my top up failed", "topping up does not work", "the top up was refused"],
    "exchange_rate": ["what is your exchange rate", "the rate for euros", "how do you set rates"],
}
_EXTRAS = ("please", "today", "hello", "thanks", "quickly", "again", "I think", "since Monday")


def intent_rows(count: int, *, seed: int = 1) -> list[Row]:
    """Short questions with an intent each, a little different every time."""
    rng = random.Random(seed)  # noqa: S311
    rows = []
    for _ in range(count):
        intent = rng.choice(list(INTENTS))
        words = [rng.choice(INTENTS[intent]), *rng.sample(_EXTRAS, 2)]
        rng.shuffle(words)
        rows.append(chat_row(" ".join(words), intent))
    return rows


def jsonl(rows: Sequence[Row]) -> bytes:
    """Rows as the file that holds them."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def upload(client: openai.OpenAI, rows: Sequence[Row] | bytes, name: str = "rows.jsonl") -> str:
    """The id of a new training file."""
    body = rows if isinstance(rows, bytes) else jsonl(rows)
    return client.files.create(file=(name, body), purpose="fine-tune").id


def start_run(
    client: openai.OpenAI,
    rows: Sequence[Row] | bytes,
    *,
    valid: Sequence[Row] | None = None,
    n_epochs: int | str = 3,
    batch_size: int | str = 16,
    learning_rate_multiplier: float | str = 1,
    **more: Any,
) -> FineTuningJob:
    """Upload and create."""
    if valid is not None:
        more["validation_file"] = upload(client, valid)
    numbers: Any = {
        "n_epochs": n_epochs,
        "batch_size": batch_size,
        "learning_rate_multiplier": learning_rate_multiplier,
    }
    return client.fine_tuning.jobs.create(
        **{"model": BASE, "training_file": upload(client, rows), "seed": 5, **more},
        method={"type": "supervised", "supervised": {"hyperparameters": numbers}},
    )


def ended(client: openai.OpenAI, run_id: str, within: float = 60) -> FineTuningJob:
    """The run once it has ended."""

    def look() -> FineTuningJob | None:
        run = client.fine_tuning.jobs.retrieve(run_id)
        return run if run.status in ENDED else None

    run = eventually(look, within=within)
    assert run is not None
    return run


def series(client: openai.OpenAI, run_id: str) -> list[Any]:
    """The data of every metrics event, oldest first."""
    events = client.fine_tuning.jobs.list_events(run_id, limit=1000)
    return [event.data for event in events if event.type == "metrics"][::-1]


def messages_of(client: openai.OpenAI, run_id: str) -> list[str]:
    """The texts of every message event, oldest first."""
    events = client.fine_tuning.jobs.list_events(run_id, limit=1000)
    return [event.message for event in events if event.type == "message"][::-1]


def ask(client: openai.OpenAI, model: str, question: str, **more: Any) -> str:
    """What the model answers, the likeliest words unless told otherwise."""
    said = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": "Name the intent."},
            {"role": "user", "content": question},
        ],
        **{"temperature": 0, **more},
    )
    return said.choices[0].message.content or ""


@pytest.fixture(scope="session")
def undisturbed(client: openai.OpenAI) -> list[str]:
    """The result table of the long run when nothing happens to it."""
    from tests.trainer.long_runs import long_run, table

    run = long_run(client)
    assert ended(client, run.id).status == "succeeded"
    return table(client, run.id)
