"""Ten thousand ended runs: a page of them in < 50 ms; a million events: a page in < 5 ms.

    python -m bench.trainer_runs [--runs 10000] [--events 1000000]

Times are a client's over one connection, best of the median of five rounds. The limits beside them:
this server's shortest answer, and plain reads of the files that hold what a page shows.
"""

import argparse
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec

from app.trainer.folder import Checkpoint, RunFolder, Spec, State
from tests.processes import free_port

KEY = "a-key-for-the-bench"
ROOT = Path(__file__).resolve().parents[1]
CLAIM_RUNS_MS, CLAIM_EVENTS_MS = 50.0, 5.0
ASKS, ROUNDS = 20, 5
METRICS = ("train_loss", "train_mean_token_accuracy", "valid_loss", "full_valid_loss")


def main() -> int:
    """Print the figures; 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home, empty = Path(temporary) / "home", Path(temporary) / "empty"
        print(f"limit, a start without runs: {started(empty, lambda _: None):.2f} s")
        names = [make_run(home, number) for number in range(1, asked.runs + 1)]
        journal = home / "runs" / names[-1] / "events.jsonl"
        make_events(journal, asked.events)
        for index in ("without", "with"):
            seconds = started(home, lambda _: None)
            print(f"start {index} the index, to the first answer: {seconds:.2f} s")
        print(f"limit, reading every spec and state: {plain_reads(home, names):.2f} s")
        held: list[bool] = []
        started(home, lambda server: held.append(measure(server, home, names, journal)))
    return 0 if all(held) else 1


def make_run(home: Path, number: int) -> str:
    """An ended run's folder, as a server and a child leave it; its name."""
    name = f"{number:024}"
    folder = RunFolder(home / "runs" / f"ftjob-{name}")
    folder.checkpoints.mkdir(parents=True)
    tuned = f"ft:practice-small:luthier:intents:{number:08}"
    spec = Spec(
        id=f"ftjob-{name}",
        created_at=1.79e9 + number,
        engine="practice",
        model="practice-small",
        training_file=f"file-{name}",
        validation_file=f"file-{name}",
        suffix="intents",
        seed=number,
        method="supervised",
        asked={"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"},
        metadata={"luthier_job": name, "team": str(number % 10)},
        tuned_model=tuned,
        number=number,
    )
    kept = [
        Checkpoint(step, 1_790_000_100, {"step": step, **dict.fromkeys(METRICS, 0.123456)}, "x.npz")
        for step in (100, 200, 300)
    ]
    state = State(
        status="succeeded",
        hyperparameters={"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 1.0},
        step=300,
        total_steps=300,
        trained_tokens=12_345,
        finished_at=1_790_000_200,
        checkpoints=kept,
    )
    (folder.path / "spec.json").write_bytes(msgspec.json.encode(spec))
    (folder.path / "state.json").write_bytes(msgspec.json.encode(state))
    folder.result.write_text("step,train_loss\n1,0.5\n")
    return spec.id


def make_events(path: Path, count: int) -> None:
    """A journal of that many steps."""
    with path.open("wb") as file:
        for step in range(1, count + 1):
            numbers = {"step": step, "total_steps": count, **dict.fromkeys(METRICS, 0.123456)}
            event = {
                "created_at": 1_790_000_000 + step // 100,
                "level": "info",
                "message": f"Step {step}/{count}: training loss=0.12, validation loss=0.12",
                "type": "metrics",
                "data": numbers,
            }
            file.write(msgspec.json.encode(event) + b"\n")


def started(home: Path, look: Callable[["Server"], None]) -> float:
    """Start a server over the home, look at it, end it; seconds until its first answer."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "trainer", "--port", str(port), "--home", str(home)],
        cwd=ROOT,
        env={**os.environ, "LUTHIER_TRAINER_KEYS": KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server = Server(port, process)
    try:
        while not server.answers():
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        look(server)
    finally:
        process.terminate()
        process.wait()
    return seconds


class Server:
    """One running trainer."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return self.get("/healthz") is not None
        except OSError:
            self._link.close()
            return False

    def rest(self, seconds: float) -> None:
        """Ask nothing for a while; a server closes a connection over which nothing comes."""
        self._link.close()
        time.sleep(seconds)

    def get(self, path: str) -> bytes:
        """The body of an answer."""
        self._link.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
        answer = self._link.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:300])
        return body

    def milliseconds(self, path: str) -> float:
        """What an answer takes: the best median of a few rounds, for others work here too."""
        rounds = [median(timed(lambda: self.get(path)) for _ in range(ASKS)) for _ in range(ROUNDS)]
        return min(rounds) * 1000

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """Megabytes in memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(server: Server, home: Path, names: list[str], journal: Path) -> bool:
    """Print what pages take; whether the claims hold."""
    server.rest(5)  # the ended runs that nobody was told of are announced first
    began, used = time.perf_counter(), server.cpu_seconds()
    server.rest(5)
    share = (server.cpu_seconds() - used) / (time.perf_counter() - began)
    print(f"idle with them: {share:.1%} of a core, {server.resident():.0f} MB in memory")
    print(f"limit, the shortest answer: {server.milliseconds('/healthz'):.2f} ms")
    runs, newest = "/v1/fine_tuning/jobs", names[-1]
    events = f"{runs}/{newest}/events"
    middle = names[len(names) // 2]
    event = msgspec.json.decode(server.get(f"{events}?limit=1000"))["data"][-1]["id"]
    prefix = event.rpartition("-")[0]
    early = f"{prefix}-{line_start(journal, journal.stat().st_size // 2)}"
    tables = {
        CLAIM_RUNS_MS: {
            "20 newest runs": runs,
            "100 newest runs": f"{runs}?limit=100",
            "100 runs in the middle": f"{runs}?limit=100&after={middle}",
            "100 oldest runs": f"{runs}?limit=100&after={names[100]}",
            "100 runs by metadata": f"{runs}?limit=100&metadata%5Bteam%5D=3",
            "one run by metadata": f"{runs}?metadata%5Bluthier_job%5D={names[0][6:]}",
            "one run": f"{runs}/{middle}",
            "every model": "/v1/models",
            "100 result files": "/v1/files?limit=100",
        },
        CLAIM_EVENTS_MS: {
            "20 newest events": events,
            "100 newest events": f"{events}?limit=100",
            "20 events in the middle": f"{events}?after={early}",
            "100 events in the middle": f"{events}?limit=100&after={early}",
        },
    }
    holds = True
    for claim, pages in tables.items():
        for name, path in pages.items():
            taken = server.milliseconds(path)
            is_claimed = "model" not in name and "file" not in name
            holds = holds and (taken < claim or not is_claimed)
            print(f"{name:<26} {taken:7.2f} ms" + (f"  (< {claim:.0f})" if is_claimed else ""))
    print(f"1,000 newest events        {server.milliseconds(f'{events}?limit=1000'):7.2f} ms")
    paths = [home / "runs" / name for name in names[-100:]]
    page = min(timed(lambda: [read(path) for path in paths]) for _ in range(ROUNDS))
    print(f"limit, reading 100 specs and states: {page * 1000:.2f} ms")
    print(f"limit, reading 64 KiB of the journal: {tail_seconds(journal) * 1000:.3f} ms")
    return holds


def line_start(path: Path, near: int) -> int:
    """Where a line begins after that place."""
    with path.open("rb") as file:
        file.seek(near)
        file.readline()
        return file.tell()


def read(folder: Path) -> int:
    """The bytes of a run's spec and state."""
    return len((folder / "spec.json").read_bytes()) + len((folder / "state.json").read_bytes())


def plain_reads(home: Path, names: list[str]) -> float:
    """Seconds for every spec and state of the home."""
    return timed(lambda: [read(home / "runs" / name) for name in names])


def tail_seconds(path: Path) -> float:
    """Seconds for the last 64 KiB."""

    def tail() -> None:
        with path.open("rb") as file:
            file.seek(-65_536, os.SEEK_END)
            file.read()

    return min(timed(tail) for _ in range(ROUNDS))


def timed(do: Callable[[], object]) -> float:
    """Seconds it takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
