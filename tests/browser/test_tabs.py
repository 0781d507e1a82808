"""Many tabs in one browser, which has six connections for a host."""

import re

import httpx2
import pytest
import redis

from app.core.events import CHANNEL
from app.core.home import socket_path
from tests.browser.visitor import visiting
from tests.journeys.api import OWNER, TRAINING, Script, command
from tests.processes import start_luthier
from tests.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.full,
    pytest.mark.timeout(240),
]

EMAIL, PASSWORD = OWNER.values()
TABS = 8
PATIENCE_MS = 15_000
COUNT_NUDGES = """() => {
  window.heard = [];
  document.addEventListener("luthier:nudge", (event) => heard.push(event.detail));
}"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """An instance with eight jobs, and what its owner's Prometheus sees."""
    folder = tmp_path_factory.mktemp("tabs")
    rows = folder / "rows.jsonl"
    rows.write_text("".join(TRAINING.read_text().splitlines(keepends=True)[:60]))
    with start_luthier(folder / "home", **OWNER) as luthier, Script(luthier) as script:
        project = script.post("/projects", json={"name": "Support"})["id"]
        version = script.upload(project, rows, "Rows")["version"]["id"]
        made = [
            script.start_job(project, suffix=f"n{n}", n_epochs=1, training_version_id=version)
            for n in range(TABS)
        ]
        yield luthier, project, [job["id"] for job in made]


@pytest.fixture
def streams(jobs):
    """How many live streams the web process has open now."""
    luthier, _, _ = jobs
    token = command(luthier.home, "create-token", EMAIL)
    headers = {"Authorization": f"Bearer {token}"}

    def ask():
        told = httpx2.get(f"{luthier.address}/metrics", headers=headers, trust_env=False).text
        return float(re.search(r"^luthier_live_streams (\S+)", told, re.MULTILINE)[1])

    return ask


def test_eight_job_tabs_do_not_hang_the_ninth_and_all_stay_live(jobs, chromium, streams):
    luthier, project, job_ids = jobs
    broker = redis.Redis(unix_socket_path=str(socket_path(luthier.home, "valkey.sock")))
    with visiting(chromium, luthier.address) as somebody:
        somebody.enter(f"/projects/{project}/jobs", EMAIL, PASSWORD)
        tabs = []
        for job_id in [*job_ids, job_ids[0]]:
            tab = somebody.context.new_page()
            tab.goto(f"/jobs/{job_id}", timeout=PATIENCE_MS)
            tab.evaluate(COUNT_NUDGES)
            tabs.append(tab)
        assert len(tabs) == TABS + 1
        assert not [tab for tab in tabs if tab.evaluate("document.hidden")]
        eventually(lambda: streams() == 1)

        _all_hear(broker, tabs, job_ids)
        somebody.page.close()
        for tab in tabs[:4]:
            tab.close()
        _all_hear(broker, tabs[4:], job_ids)
        eventually(lambda: streams() == 1)


def _all_hear(broker, tabs, job_ids):
    """Each tab hears of its own job, long before it would look by itself."""
    for tab in tabs:
        tab.evaluate("() => { heard.length = 0; }")

    def heard():
        for job_id in job_ids:
            broker.publish(CHANNEL, f"job:{job_id}")
        for tab in tabs:
            job_id = tab.url.rpartition("/")[2]
            told = tab.evaluate("() => heard")
            assert f"job:{job_id}" in told, (tab.url, told)
        return True

    eventually(heard, every=0.3)
