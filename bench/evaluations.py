"""How fast a run's cases are answered, and what that takes of the processor and of memory.

    python -m bench.evaluations [--cases 10000] [--rate 200] [--latency 0.5] [--spread 0.2]
        [--noes 0.05] [--peer 1000]

The other side is `bench.scripted`: it allows so many requests a second, each answered after
`latency` plus or minus `spread` seconds, and says 429 to a share of them. Two contestants put the
cases of one dataset to it, over one connection. Claimed: at least 90 % of the allowed rate from the
first request to the last, less than one core of all processes of the instance, flat memory, and
exact accounts: every case answered once, every request written down.

Before it 1,000 of the cases are put to one model of such a server by us and by promptfoo, as many
at once. Claimed: fewer processor seconds a case, less peak memory above idle (whole process trees;
idle is the peak of a run of one case, for both), and at least its throughput, from the start of the
program or the press of the button to the end. Beside it stands what each case more takes of the
processor, for which starting the program is left out. `--peer 0` leaves all that out.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench import promptfoo
from bench.rescue import OWNER, Memory, processor_seconds
from bench.scripted import MODELS, USUAL, counted, served
from tests import make
from tests.journeys.api import Script
from tests.processes import processes_of, start_luthier
from tests.waiting import eventually

CLAIM_SHARE, CLAIM_CORES, CLAIM_GROWTH = 0.9, 1.0, 1.1
PATIENCE_SECONDS = 3_600.0
# Half of what the server allows, so that neither is refused for its pace.
PEER_AT_ONCE = 50
WORDS = "Where is the parcel of customer"


class Instance(NamedTuple):
    """A running instance with a project, a grader, and a connection to each server."""

    script: Script
    home: Path
    project: int
    grader: int
    connections: list[int]

    @classmethod
    def prepared(cls, script: Script, home: Path, *ports: int) -> "Instance":
        project = script.post("/projects", json={"name": "Evaluations"})["id"]
        connections = [
            script.post(f"/projects/{project}/connections", json=account(port))["id"]
            for port in ports
        ]
        body = {"type": "match", "name": "echoes", "reference": "{{ item.question }}"}
        grader = script.post(f"/projects/{project}/graders", json={"grader": body})["grader_id"]
        return cls(script, home, project, grader, connections)

    def evaluation(self, cases: int, name: str) -> int:
        """One of so many cases, ready; its id."""
        path = self.home.parent / f"{name}.jsonl"
        path.write_bytes(make.chat_file(cases, words=WORDS))
        version = self.script.upload(self.project, path, name)["version"]["id"]
        form = {"name": name, "version_id": version, "graders": [self.grader]}
        made: int = self.script.post(f"/projects/{self.project}/evaluations", json=form)["id"]
        eventually(
            lambda: self.script.get(f"/evaluations/{made}")["status"] == "ready",
            within=PATIENCE_SECONDS,
            every=0.5,
        )
        return made

    def put(self, cases: int, model: str) -> promptfoo.Used:
        """So many cases to one model, as promptfoo is asked to."""
        memory, evaluation = Memory(self.home), self.evaluation(cases, f"Beside {cases}")
        contestant = {"connection_id": self.connections[0], "model": model}
        form = {"contestants": [contestant], "settings": {"at_once": PEER_AT_ONCE}}
        run, seconds, processor = self.run(evaluation, form, memory)
        done = self.script.get(f"/evaluation-runs/{run}")["contestants"][0]
        megabytes = max(memory.sizes)
        return promptfoo.Used(seconds, processor, megabytes, done["passed"], done["failed"])

    def run(self, evaluation: int, form: object, memory: Memory) -> tuple[int, float, float]:
        """Run it to its end, watched: its id, the seconds, and those of the processor."""
        ours = processes_of(self.home)
        before, begun = processor_seconds(ours), time.perf_counter()
        with memory.watched():
            run = self.script.post(f"/evaluations/{evaluation}/runs", json=form)["id"]
            eventually(
                lambda: self.script.get(f"/evaluation-runs/{run}")["status"] == "done",
                within=PATIENCE_SECONDS,
                every=1.0,
            )
        seconds = time.perf_counter() - begun
        return run, seconds, processor_seconds(ours) - before


def account(port: int) -> dict[str, str]:
    """A connection to a server of ours."""
    base_url = f"http://127.0.0.1:{port}/v1"
    return {"name": f"Scripted {port}", "base_url": base_url, "api_key": "sk-b"}


def beside_peer(instance: Instance, port: int, cases: int) -> bool:
    """The same cases by us and by promptfoo; whether we take less of everything."""
    promptfoo.install()
    at_rest, ours = (
        instance.put(some, model) for some, model in ((1, MODELS[1]), (cases, MODELS[0]))
    )
    rows = [
        json.loads(line)["messages"] for line in make.chat_file(cases, words=WORDS).splitlines()
    ]
    asked = [(turns[-2]["content"], turns[-2]["content"]) for turns in rows]
    their_rest, theirs = (
        promptfoo.run(account(port)["base_url"], "sk-b", MODELS[1], some, at_once=PEER_AT_ONCE)
        for some in (asked[:1], asked)
    )
    print(
        f"{cases:,} cases, {PEER_AT_ONCE} at once; promptfoo {promptfoo.VERSION}: "
        f"{theirs.passed:,} passed, {theirs.errors:,} errors"
    )
    for name, one, rest in (("Luthier", ours, at_rest), ("promptfoo", theirs, their_rest)):
        print(
            f"{name:>10} {cases / one.seconds:6.1f} a second, "
            f"{1000 * one.processor / cases:5.1f} ms of the processor a case "
            f"({1000 * (one.processor - rest.processor) / cases:.1f} ms each case more), "
            f"{one.megabytes - rest.megabytes:5.0f} MB above idle"
        )
    return (
        ours.processor < theirs.processor
        and ours.megabytes - at_rest.megabytes < theirs.megabytes - their_rest.megabytes
        and ours.seconds <= theirs.seconds
    )


def measure(instance: Instance, port: int, asked: argparse.Namespace) -> bool:
    """Run it; whether all claims hold."""
    evaluation = instance.evaluation(asked.cases, "Held out")
    memory = Memory(instance.home)
    connection = instance.connections[1]
    contestants = [{"connection_id": connection, "model": one} for one in MODELS]
    run, seconds, used = instance.run(evaluation, {"contestants": contestants}, memory)
    told, done = counted(port), instance.script.get(f"/evaluation-runs/{run}")
    share = told["answered"] / told["seconds"] / asked.rate
    cores = used / told["seconds"]
    print(
        f"{told['answered']:,} answers in {told['seconds']:.1f} s ({seconds:.1f} s with its end): "
        f"{share:.1%} of {asked.rate:g} a second (claim >= {CLAIM_SHARE:.0%}); requests "
        f"{told['asked'] / told['seconds'] / asked.rate:.1%}; load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"processor {used:.1f} s: {cores:.2f} cores (claim < {CLAIM_CORES:g}), "
        f"{1000 * used / told['asked']:.1f} ms a request; 429 by chance {told['by_chance']:,}, "
        f"too many {told['too_many']:,}"
    )
    print(
        f"memory {memory.sizes[0]:.0f} MB before, at most {max(memory.sizes):.0f}, the last "
        f"quarter {memory.growth():.2f} of the second (claim <= {CLAIM_GROWTH})"
    )
    sums = {name: sum(one[name] for one in done["contestants"]) for name in ("asked", "graded")}
    wanted = len(MODELS) * asked.cases
    is_exact = (
        (sums["graded"], told["answered"]) == (wanted, wanted)
        and sums["asked"] == told["asked"]
        and all(one["passed"] == asked.cases for one in done["contestants"])
    )
    print(
        f"accounts: {sums['graded']:,} of {wanted:,} graded, {sums['asked']:,} written down and "
        f"{told['asked']:,} sent: {'exact' if is_exact else 'WRONG'}"
    )
    is_fast = share >= CLAIM_SHARE and cores < CLAIM_CORES
    return is_fast and is_exact and memory.growth() <= CLAIM_GROWTH


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--cases", type=int, default=10_000)
    words.add_argument("--peer", type=int, default=1_000)
    for name, usual in USUAL.items():
        words.add_argument(f"--{name}", type=float, default=usual)
    asked = words.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="luthier-") as place,
        served(asked) as first,
        served(asked) as second,
        start_luthier(
            Path(place) / "home",
            LUTHIER_ALLOW_HOSTS=f"127.0.0.1:{first},127.0.0.1:{second}",
            **OWNER,
        ) as luthier,
        Script(luthier) as script,
    ):
        instance = Instance.prepared(script, luthier.home, first, second)
        is_ahead = not asked.peer or beside_peer(instance, first, asked.peer)
        return 0 if measure(instance, second, asked) and is_ahead else 1


if __name__ == "__main__":
    raise SystemExit(main())
