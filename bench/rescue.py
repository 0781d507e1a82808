"""A whole history comes home as fast as its provider allows, with no request beyond what is needed.

    python -m bench.rescue [--jobs 2000] [--events 100] [--files 4000] [--evals 50] [--items 200]
        [--rate 200] [--latency 0] [--gigabytes 4] [--place FOLDER] [--only history|large]

The other side is the tests' witness, filled from real rows, on loopback, taking so many requests a
second and refusing more with 429; the program is what `make run` starts, asked by its API. Claimed:
>= 90 % of that rate from the first request to the last; as many requests as the lists have pages
(twice where a list has several, as its objects may move while it is read) and objects have bodies;
everything home with the witness's own hashes; memory (PSS of the whole process tree) that does not
grow while it goes on; asked again, with nothing new there, home in under 60 s; one large file at
>= 300 MB/s, beside what this machine does with the same bytes: loopback alone, and hashing and
writing them alone, to the last byte on the disk. `--jobs 10000` is a large team.
"""

import argparse
import hashlib
import http.client
import json
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests.journeys.api import OWNER, Script
from tests.processes import processes_of, proportional_bytes, start_luthier
from tests.waiting import eventually
from tests.witness import handle, history, needed
from tests.witness.content import Rows
from tests.witness.handle import Witness

CLAIM_SHARE = 0.9
CLAIM_MB_PER_SECOND = 300
CLAIM_SECOND_SECONDS = 60
CLAIM_GROWTH = 1.15
MB = 1_000_000
PATIENCE_SECONDS = 3600
READ_BEFORE = 2
COMING = {"looking", "looked", "fetching"}


@dataclass
class Memory:
    """What all processes of an instance hold together, in MB, every second."""

    home: Path
    sizes: list[float] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator["Memory"]:
        """Look at it while the block runs."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield self
        finally:
            self.is_over.set()
            thread.join()

    def _watch(self) -> None:
        while not self.is_over.wait(1):
            self.sizes.append(proportional_bytes(processes_of(self.home)) / MB)

    def growth(self) -> float:
        """The last quarter beside the second, when everything was loaded."""
        quarter = max(1, len(self.sizes) // 4)
        return median(self.sizes[-quarter:]) / median(self.sizes[quarter : 2 * quarter])


def processor_seconds(pids: list[int]) -> float:
    """What these processes have used of the processor until now."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass
class Team:
    """A project of an instance whose connection leads to the witness."""

    script: Script
    project_id: int
    connection_id: int

    @classmethod
    def made(cls, script: Script, witness: Witness, name: str) -> "Team":
        project = script.post("/projects", json={"name": name})
        account = {"name": "OpenAI", "base_url": witness.url, "api_key": witness.key}
        made = script.post(f"/projects/{project['id']}/connections", json=account)
        script.patch(f"/connections/{made['id']}", json={"admin_key": witness.admin_key})
        # A new connection's key is tested, then its models are read for the calendar: neither is
        # part of a rescue.
        eventually(lambda: witness.journal.counts()["GET /v1/models"] == READ_BEFORE, within=60)
        return cls(script, project["id"], made["id"])

    def rescue(self) -> int:
        """Ask for a rescue; its id."""
        body = {"connection_ids": [self.connection_id]}
        made = self.script.post(f"/projects/{self.project_id}/rescues", 202, json=body)
        return int(made["id"])

    def show(self, rescue_id: int) -> Any:
        return self.script.get(f"/rescues/{rescue_id}")

    def wait(self, rescue_id: int, *, while_in: set[str]) -> float:
        """Seconds until a rescue is no more in one of these stages."""
        begun = time.perf_counter()
        eventually(
            lambda: self.show(rescue_id)["status"] not in while_in,
            within=PATIENCE_SECONDS,
            every=0.5,
        )
        return time.perf_counter() - begun

    def manifest(self, rescue_id: int) -> list[Any]:
        """Every line of it."""
        path = f"/rescues/{rescue_id}/manifest"
        answer = self.script._http.get(path, params={"format": "jsonl"}, timeout=120)  # noqa: SLF001
        return [json.loads(line) for line in answer.text.splitlines()]


def tell_requests(witness: Witness, wanted: Counter[str]) -> int:
    """Print what was asked beside what is needed; how many were asked too much."""
    told = witness.journal.counts()
    refused = witness.journal.counts(429)
    print(f"  {'asked':>7} {'needed':>7} {'429':>5}")
    for route in sorted(told | wanted):
        print(f"  {told[route]:7} {wanted[route]:7} {refused[route]:5}  {route}")
    return sum((told - refused - wanted).values())


def home(expected: list[Any], manifest: list[Any]) -> list[str]:
    """What the manifest says other than the witness: nothing, if all came as it is."""
    told = {(row["kind"], row["object_id"]): row for row in manifest}
    wrong = []
    for row in expected:
        if row["kind"] in {"usage", "completion"}:  # kept by the month, and with their messages
            continue
        found = told.get((row["kind"], row["id"]), {"outcome": "missing"})
        is_well = found["outcome"] == row["outcome"] and (
            row["outcome"] != "home" or found["sha256"] == row["sha256"]
        )
        if not is_well:
            wrong.append(f"{row['kind']} {row['id']}: {found['outcome']}, not {row['outcome']}")
    return wrong


def a_history(script: Script, witness: Witness, memory: Memory, asked: argparse.Namespace) -> bool:
    """Bring it home, and look again; whether all claims hold."""
    begun = time.perf_counter()
    history.fill(
        witness,
        jobs=asked.jobs,
        events=asked.events,
        files=asked.files,
        file_bytes=asked.file_bytes,
        evals=asked.evals,
        runs=1,
        items=asked.items,
    )
    expected = witness.expected()
    print(f"filled and hashed by the witness in {time.perf_counter() - begun:.0f} s")
    team = Team.made(script, witness, "A large team")
    witness.journal.clear()
    witness.set(allowance=asked.rate, latency=asked.latency)
    ours, theirs = processes_of(memory.home), [witness.process.pid]
    before = processor_seconds(ours), processor_seconds(theirs)
    with memory.watched():
        rescue_id = team.rescue()
        team.wait(rescue_id, while_in=COMING)
    used = processor_seconds(ours) - before[0], processor_seconds(theirs) - before[1]
    first, last = witness.journal.span()
    answered = sum((witness.journal.counts() - witness.journal.counts(429)).values())
    share = answered / (last - first) / asked.rate
    print(
        f"{answered:,} requests in {last - first:.1f} s: {share:.1%} of {asked.rate:g} a second "
        f"(claim >= {CLAIM_SHARE:.0%}); load {os.getloadavg()[0]:.1f}"
    )
    print(
        f"processor: {used[0]:.1f} s here, {1000 * used[0] / answered:.1f} ms a request; "
        f"{used[1]:.1f} s at the witness"
    )
    print(f"  answered in each second: {' '.join(map(str, witness.journal.by_second()))}")
    there = len(witness.tell("/_files", {})["data"])
    first_job = min(run["created_at"] for run in witness.runs)
    wanted = needed.requests(expected, files=there, first_job=first_job)
    too_many = tell_requests(witness, wanted)
    wrong = home(expected, team.manifest(rescue_id))
    for line in wrong[:10]:
        print(f"  {line}")
    shape = memory.sizes
    print(
        f"{len(expected):,} objects, {len(wrong)} not home as they are; {too_many} asked too often"
    )
    print(
        f"memory {shape[0]:.0f} MB before, at most {max(shape):.0f}, the last quarter "
        f"{memory.growth():.2f} of the second (claim <= {CLAIM_GROWTH})"
    )
    team.wait(rescue_id, while_in={"verifying"})
    seconds = a_second_time(script, team, rescue_id, witness)
    return (
        share >= CLAIM_SHARE
        and not wrong
        and not too_many
        and memory.growth() <= CLAIM_GROWTH
        and seconds < CLAIM_SECOND_SECONDS
    )


def a_second_time(script: Script, team: Team, rescue_id: int, witness: Witness) -> float:
    """Look for what is new while the first is being put to use; the seconds until it is home."""
    witness.journal.clear()
    script.post(f"/rescues/{rescue_id}/again", 202)
    seconds = team.wait(rescue_id, while_in=COMING)
    told = witness.journal.counts()
    print(
        f"the second time: {seconds:.1f} s (claim < {CLAIM_SECOND_SECONDS}), "
        f"{sum(told.values()):,} requests; load {os.getloadavg()[0]:.1f}"
    )
    for route, times in sorted(told.items()):
        print(f"  {times:7}  {route}")
    return seconds


def a_large_file(
    script: Script, witness: Witness, home: Path, place: Path, gigabytes: float
) -> bool:
    """Bring one file home; whether it came fast enough."""
    size = int(gigabytes * 1000 * MB)
    witness.set(allowance=None, latency=0)
    owner = witness.add_project("sk-witness-large-0123456789", "Large")
    made = owner.add_large_file("large.jsonl", size)
    team = Team.made(script, owner, "A large file")
    before = processor_seconds(processes_of(home))
    rescue_id = team.rescue()
    team.wait(rescue_id, while_in=COMING)
    used = processor_seconds(processes_of(home)) - before
    (row,) = (row for row in team.manifest(rescue_id) if row["kind"] == "file")
    (told,) = (row for row in owner.expected() if row["kind"] == "file")
    assert row["sha256"] == told["sha256"], row
    begun, _ = witness.journal.span(f"%{made['id']}/content")
    seconds = datetime.fromisoformat(row["fetched_at"]).timestamp() - begun
    speed = size / MB / seconds
    print(
        f"one file of {gigabytes:g} GB: {speed:.0f} MB/s (claim >= {CLAIM_MB_PER_SECOND}) from its "
        f"request until the manifest has it; load {os.getloadavg()[0]:.1f}"
    )
    print(f"  {used:.1f} s of the processor: {size / MB / used:.0f} MB for each second of it")
    print(f"  loopback alone, read and thrown away: {loopback(owner, made['id']):.0f} MB/s")
    written, kept = disk(place, Rows("chat", size))
    print(
        f"  hashing and writing alone: {written:.0f} MB/s, until it is on the disk {kept:.0f} MB/s"
    )
    return speed >= CLAIM_MB_PER_SECOND


def loopback(witness: Witness, file_id: str) -> float:
    """Megabytes a second of reading the file and keeping nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", witness.port, timeout=60)
    headers = {"authorization": f"Bearer {witness.key}"}
    begun = time.perf_counter()
    connection.request("GET", f"/v1/files/{file_id}/content", headers=headers)
    answer, buffer, size = connection.getresponse(), bytearray(2**20), 0
    while read := answer.readinto(buffer):
        size += read
    connection.close()
    return size / MB / (time.perf_counter() - begun)


def disk(place: Path, content: Rows) -> tuple[float, float]:
    """Megabytes a second of hashing and writing the same bytes: to the system, and to the disk."""
    digest, path = hashlib.sha256(), place / "limit"
    begun = time.perf_counter()
    with path.open("wb") as target:
        for chunk in content.chunks():
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        written = time.perf_counter() - begun
        os.fsync(target.fileno())
    kept = time.perf_counter() - begun
    path.unlink()
    return content.size / MB / written, content.size / MB / kept


def main() -> int:
    """Measure and say; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    for name, standard in {
        "jobs": 2_000,
        "events": 100,
        "files": 4_000,
        "file-bytes": MB,
        "evals": 50,
        "items": 200,
    }.items():
        words.add_argument(f"--{name}", type=int, default=standard)
    for name, standard in {"rate": 200.0, "latency": 0.0, "gigabytes": 4.0}.items():
        words.add_argument(f"--{name}", type=float, default=standard)
    words.add_argument("--place", type=Path, help="where the instance lives, for its disk")
    words.add_argument("--only", choices=("history", "large"))
    asked = words.parse_args()
    is_well = True
    with (
        tempfile.TemporaryDirectory(prefix="luthier-", dir=asked.place) as place,
        handle.running(Path(place)) as witness,
        start_luthier(Path(place) / "home", LUTHIER_ALLOW_HOSTS=witness.host, **OWNER) as luthier,
        Script(luthier) as script,
    ):
        if asked.only != "history":
            is_well = a_large_file(script, witness, luthier.home, Path(place), asked.gigabytes)
        if asked.only != "large":
            memory = Memory(luthier.home)
            is_well = a_history(script, witness, memory, asked) and is_well
    return 0 if is_well else 1


if __name__ == "__main__":
    raise SystemExit(main())
