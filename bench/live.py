"""From a metric at the provider to the point on an open page: p95 < 2 s on our trainer, with the
first point within 5 s of the click, and < 7 s elsewhere, without hammering anybody.

    python -m bench.live [--epochs 4] [--points 40]

A real instance, a real Chromium on the job's page. When a number was written is read off the run's
own metrics.jsonl, looked at every 10 ms, or is when the tests' witness, which stands for elsewhere
with OpenAI's profile, was given it; when it was drawn is noted by the page itself. Beside it stand
what the clock alone costs, a sweep each second or every five, and how many requests a minute the
witness saw for it.
"""

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import WORDS, chromium_path
from tests.journeys.api import HELD_OUT, OWNER, TRAINING, Script
from tests.make import BASE_MODEL
from tests.processes import Program, start_luthier
from tests.waiting import eventually
from tests.witness import handle
from tests.witness.handle import Witness

CLAIM_SECONDS, FIRST_SECONDS, CLAIM_ELSEWHERE_SECONDS = 2.0, 5.0, 7.0
A_MINUTE = 120
LOOK_SECONDS = 0.01
WATCH = """() => {
  const figure = document.querySelector("[data-chart]");
  const note = () => window.drawn(Number(figure.dataset.points), Date.now() / 1000);
  new MutationObserver(note).observe(figure, { attributeFilter: ["data-points"] });
  note();
}"""


def main() -> int:
    """Start, watch both, print; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--epochs", type=int, default=4)
    words.add_argument("--points", type=int, default=40)
    asked = words.parse_args()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="luthier-")))
        witness = stack.enter_context(handle.running(place))
        env = {**OWNER, "LUTHIER_ALLOW_HOSTS": witness.host}
        luthier = stack.enter_context(start_luthier(place / "home", **env))
        script = stack.enter_context(Script(luthier))
        playwright = stack.enter_context(sync_playwright())
        project_id = script.post("/projects", json={"name": "Bench"})["id"]
        script.upload(project_id, HELD_OUT, "Held out")
        rows = script.upload(project_id, TRAINING, "Banking77")
        page = Watched(open_page(playwright, luthier.address))
        is_well = measure(page, luthier, script, project_id, asked.epochs)
        job = start_elsewhere(script, witness, project_id, rows["version"]["id"])
        is_well &= measure_elsewhere(page, luthier, witness, job, asked.points)
    return 0 if is_well else 1


def open_page(playwright: Any, address: str) -> Page:
    """A signed-in Chromium."""
    browser = playwright.chromium.launch(
        executable_path=chromium_path(), args=[*WORDS, "--no-sandbox"]
    )
    page = browser.new_page()
    page.goto(f"{address}/login")
    page.get_by_label("E-mail").fill(OWNER["LUTHIER_OWNER_EMAIL"])
    page.get_by_label("Password").fill(OWNER["LUTHIER_OWNER_PASSWORD"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/projects/*")
    return page


class Watched:
    """A page that says how many points it has drawn, and when."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.drawn: list[tuple[int, float]] = []
        page.expose_function("drawn", lambda count, at: self.drawn.append((count, at)))

    def watch(self) -> None:
        """Of the job that is shown, from now on."""
        self.drawn.clear()
        self.page.evaluate(WATCH)

    def wait_for(self, is_there: Callable[[], bool], within: float) -> None:
        """Let the page live until something holds."""
        eventually(lambda: self.page.wait_for_timeout(50) or is_there(), within, every=0.2)

    def shows(self, written: list[float]) -> bool:
        """Whether it has drawn every point that was written."""
        return bool(self.drawn and self.drawn[-1][0] >= len(written))

    def late(self, written: list[float]) -> list[float]:
        """Seconds from each point's writing to its drawing."""
        return [
            next(then for count, then in self.drawn if count > place) - at
            for place, at in enumerate(written)
        ]


def tell(words: str, late: list[float], claim: float, alone: str) -> bool:
    """Print how late points were drawn; whether that is as claimed."""
    high = quantiles(late, n=20)[-1]
    print(
        f"{words}: {len(late):,} points, written to drawn median {median(late):.2f} s, "
        f"p95 {high:.2f} s, worst {max(late):.2f} s (claim p95 < {claim:.0f} s; {alone})"
    )
    return high < claim


def measure(
    watched: Watched, luthier: Program, script: Script, project_id: int, epochs: int
) -> bool:
    """Start a job on our trainer by its button and hold both clocks against each other."""
    page = watched.page
    page.goto(f"{luthier.address}/projects/{project_id}/jobs/new")
    page.locator("label", has_text="Number").first.click()
    page.locator("[name=n_epochs]").fill(str(epochs))
    pressed_at = time.time()
    page.get_by_role("button", name="Start job").click()
    page.wait_for_url("**/jobs/*")
    watched.watch()
    written: list[float] = []
    ended = threading.Event()
    looker = threading.Thread(target=look, args=(luthier.home, written, ended))
    looker.start()
    job_id = int(page.url.rpartition("/")[2])
    try:
        watched.wait_for(lambda: script.get(f"/jobs/{job_id}")["status"] == "succeeded", 300)
        watched.wait_for(lambda: watched.shows(written), 20)
    finally:
        ended.set()
        looker.join()
    first = next(at for count, at in watched.drawn if count) - pressed_at
    print(f"click to the first point {first:.2f} s (claim < {FIRST_SECONDS:.0f} s)")
    late = watched.late(written)
    return tell("our trainer", late, CLAIM_SECONDS, "a look a second alone: 0.5") and (
        first < FIRST_SECONDS
    )


def look(home: Path, written: list[float], ended: threading.Event) -> None:
    """Note when each line of the run's metrics was there."""
    seen = 0
    while not ended.wait(LOOK_SECONDS):
        for path in (home / "trainer" / "runs").glob("*/metrics.jsonl"):
            with path.open("rb") as file:
                file.seek(seen)
                new = file.read()
            lines = new.count(b"\n")
            seen += new.rfind(b"\n") + 1
            written += [time.time()] * lines


def start_elsewhere(script: Script, witness: Witness, project_id: int, version_id: int) -> int:
    """A job at the witness, as a script starts it; its id."""
    account = {"name": "OpenAI", "base_url": witness.url, "api_key": witness.key}
    made = script.post(f"/projects/{project_id}/connections", json=account)
    eventually(lambda: script.get(f"/connections/{made['id']}")["account"], within=60)
    job = script.start_job(
        project_id,
        suffix="elsewhere",
        n_epochs=1,
        connection_id=made["id"],
        base_model=BASE_MODEL,
        training_version_id=version_id,
    )
    return int(job["id"])


def measure_elsewhere(
    watched: Watched, luthier: Program, witness: Witness, job_id: int, points: int
) -> bool:
    """Give a run at the witness points, one every second or two, while its page is open."""
    watched.page.goto(f"{luthier.address}/jobs/{job_id}")
    watched.watch()
    watched.wait_for(lambda: bool(witness.runs), 30)
    run_id = witness.runs[0]["id"]
    witness.change_run(run_id, status="running")
    chance, written, next_at = random.Random(3), list[float](), time.time()
    for step in range(1, points + 1):
        next_at += chance.uniform(1, 2)
        watched.page.wait_for_timeout(max(0.0, next_at - time.time()) * 1000)
        data = {"step": step, "total_steps": points, "train_loss": 3 / step}
        witness.add_event(run_id, type="metrics", message=f"Step {step}", data=data)
        written.append(time.time())
    watched.wait_for(lambda: watched.shows(written), 30)
    asked = [at for at, _ in witness.journal.moments() if at >= written[0]]
    a_minute = len(asked) / (written[-1] - written[0]) * 60
    print(f"  {a_minute:.0f} requests a minute meanwhile, of {A_MINUTE} allowed")
    late = watched.late(written)
    return tell("elsewhere", late, CLAIM_ELSEWHERE_SECONDS, "a look every five alone: 2.5")


if __name__ == "__main__":
    raise SystemExit(main())
