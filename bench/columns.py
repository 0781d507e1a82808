"""Six answers of 60 tokens a second each in six columns of the playground, without a stutter: no
task of the page takes longer than 50 ms, and frames follow each other within 50 ms (p99).

    python -m bench.columns [--columns 6] [--pace 60] [--seconds 20]

A real Chromium on a real instance; the provider is the paced server of `bench.relay`: nine of ten
tokens are a short word of 5 characters, as a model's are on average, and the tenth is its moment
of 18. The page itself notes how long its tasks take (longtask) and how far apart
its frames are (requestAnimationFrame). Beside it stands the same page while nothing comes, which is
what the machine and Chromium's headless screen allow. How old a token is when it is seen is noted
each tenth of a second where the column's text ends with a moment.
"""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from bench.relay import account, providing
from tests.browser.conftest import WORDS, chromium_path
from tests.journeys.api import OWNER, Script
from tests.processes import Program, start_luthier

EMAIL, PASSWORD = OWNER.values()
TASK_MS = FRAME_MS = 50.0
WATCH = """() => {
  window.seen = { frames: [], tasks: [], ages: [] };
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) seen.tasks.push(one.duration);
  }).observe({ type: "longtask" });
  let last = 0;
  const frame = (now) => {
    if (last) seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const arriving = "[data-answer][aria-busy=true] [data-answer-text]";
  setInterval(() => {
    for (const one of document.querySelectorAll(arriving)) {
      const text = one.textContent.trimEnd();
      const newest = Number(text.slice(text.lastIndexOf(" ") + 1));
      if (newest) seen.ages.push(Date.now() - newest * 1000);
    }
  }, 100);
}"""
FORGET = "() => Object.assign(seen, { frames: [], tasks: [], ages: [] })"


class Seen(NamedTuple):
    """Milliseconds: between frames, of tasks longer than 50, how old the newest tokens were."""

    frames: list[float]
    tasks: list[float]
    ages: list[float]


def main() -> int:
    """Start, ask, print; the exit status."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--columns", type=int, default=6)
    words.add_argument("--pace", type=int, default=60)
    words.add_argument("--seconds", type=int, default=20)
    asked = words.parse_args()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="luthier-")))
        port = stack.enter_context(providing())
        env = {**OWNER, "LUTHIER_ALLOW_HOSTS": f"127.0.0.1:{port}"}
        luthier = stack.enter_context(start_luthier(place / "home", **env))
        script = stack.enter_context(Script(luthier))
        playwright = stack.enter_context(sync_playwright())
        chromium = playwright.chromium.launch(
            executable_path=chromium_path(), args=[*WORDS, "--no-sandbox"]
        )
        project = script.post("/projects", json={"name": "Bench"})["id"]
        connection = script.post(f"/projects/{project}/connections", json=account(port, 1))["id"]
        models = [f"{connection}:m{place}@{asked.pace}/10" for place in range(asked.columns)]
        page = opened(chromium.new_page(base_url=luthier.address), luthier, project, models)
        idle = watched(page, asked.seconds * 250)
        return told(idle, asking(page, asked.columns, asked.pace * asked.seconds))


def opened(page: Page, luthier: Program, project: int, models: list[str]) -> Page:
    """The playground with these models, watched."""
    page.goto(f"{luthier.address}/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/projects**")
    columns = urlencode([("column", one) for one in models])
    page.goto(f"{luthier.address}/projects/{project}/playground?{columns}")
    page.evaluate(WATCH)
    return page


def watched(page: Page, milliseconds: float) -> Seen:
    """What the page noted meanwhile."""
    page.evaluate(FORGET)
    page.wait_for_timeout(milliseconds)
    return noted(page)


def noted(page: Page) -> Seen:
    """What the page has noted since it was told to forget."""
    found: Any = page.evaluate("() => seen")
    return Seen(found["frames"], found["tasks"], found["ages"])


def asking(page: Page, columns: int, tokens: int) -> Seen:
    """Ask all columns, and wait for the last token of each."""
    page.get_by_text("System prompt and settings").click()
    page.get_by_label("max_tokens").fill(str(tokens))
    page.get_by_label("Your message, sent to every model").fill("when?")
    page.evaluate(FORGET)
    page.keyboard.press("Control+Enter")
    done = page.locator("[data-answer][data-state=done][aria-busy=false]")
    done.nth(columns - 1).wait_for(timeout=600_000)
    seen = noted(page)
    for one in done.all():
        assert len(one.locator("[data-answer-text]").inner_text().split()) == tokens
    return seen


def told(idle: Seen, busy: Seen) -> int:
    """Print both; 0 where the claim holds."""
    for name, seen in (("idle", idle), ("streaming", busy)):
        frames, tasks = seen.frames, [round(one) for one in seen.tasks]
        p99 = quantiles(frames, n=100)[-1]
        late = sum(one > FRAME_MS for one in frames)
        print(
            f"{name:<10} {len(frames)} frames, median {median(frames):.1f} ms, p99 {p99:.1f} ms, "
            f"the longest {max(frames):.0f} ms, {late} over {FRAME_MS:.0f} ms; "
            f"{len(tasks)} tasks over {TASK_MS:.0f} ms {tasks}"
        )
    print(f"a token when it is seen: median {median(busy.ages):.0f} ms old")
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    p99 = quantiles(busy.frames, n=100)[-1]
    print(f"the claim: no task over {TASK_MS:.0f} ms, frames' p99 < {FRAME_MS:.0f} ms")
    return 0 if not busy.tasks and p99 < FRAME_MS else 1


if __name__ == "__main__":
    sys.exit(main())
