"""A history comes home under somebody's eyes: begun with the keyboard, live, and read to the last
byte.
"""

import hashlib
import re

import pytest

from tests.browser.visitor import visiting
from tests.journeys.api import OWNER, Script
from tests.processes import start_luthier
from tests.witness import handle, history

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

SMALL = {"jobs": 4, "events": 10, "files": 6, "evals": 1, "runs": 1, "items": 5, "completions": 1}
LONG_MS = 150_000


@pytest.mark.full  # half a minute; tests/rescue proves each step
def test_a_history_comes_home_live_and_every_object_can_be_read(chromium, tmp_path, witness):
    history.fill(witness, **SMALL, usage_days=2)
    there = {row["id"]: row for row in witness.expected() if row["kind"] == "file"}
    with (
        start_luthier(tmp_path / "home", LUTHIER_ALLOW_HOSTS=witness.host, **OWNER) as luthier,
        Script(luthier) as script,
    ):
        project = script.post("/projects", json={"name": "Support"})
        at = f"/projects/{project['id']}"
        account = {"name": "OpenAI, main", "base_url": witness.url, "api_key": handle.KEY}
        made = script.post(f"{at}/connections", json={**account, "kind": "openai"})
        with visiting(chromium, luthier.address) as mara:
            page = mara.page
            mara.enter(f"/connections/{made['id']}", *OWNER.values())
            mara.tab_to(mara.link("Bring its history home"))
            mara.press("Enter")
            mara.heading("Look around first")
            assert page.get_by_label("OpenAI, main").is_checked()
            mara.tab_to(page.get_by_label(re.compile("Stored completions")))
            mara.press("Space")
            mara.tab_to(mara.button("Look around"))
            mara.press("Enter")
            page.locator("#rescue[data-stage=looked]").wait_for(timeout=LONG_MS)
            page.evaluate("document.body.dataset.marked = 'yes'")
            mara.look()

            mara.tab_to(mara.button("Bring it home"))
            mara.press("Enter")
            page.locator("#rescue[data-stage=done]").wait_for(timeout=LONG_MS)
            assert re.search("history is home", page.locator("h1").inner_text())
            mara.look()

            mara.link(re.compile("^Open all")).click()
            mara.heading("Manifest")
            page.get_by_label("Id or name").fill("file-")
            page.locator(".chip", has_text="file-").wait_for()
            mara.look()
            for object_id, row in there.items():
                line = page.locator("tbody tr", has_text=object_id)
                outcome = {"home": "home", "refused": "refused", "gone": "deleted there"}
                assert outcome[row["outcome"]] in line.inner_text()
            wanted = next(one for one, row in there.items() if row["outcome"] == "home")
            mara.link(wanted, exact=True).click()
            page.get_by_role("heading", name="As it came").wait_for()
            mara.look()
            with page.expect_download() as coming:
                mara.link(re.compile("^Download")).click()
            content = coming.value.path().read_bytes()
            assert hashlib.sha256(content).hexdigest() == there[wanted]["sha256"]
        assert {one.method for one in witness.journal.read()} <= {"GET"}
