"""The journey of a worried team: an empty install, a server full of history, and it goes on."""

import json
import os
import re
import signal

import pytest

from tests.browser.beginning import make_a_project_by_keyboard, make_the_first_account
from tests.browser.visitor import visiting
from tests.processes import command_line, processes_of, start_luthier
from tests.waiting import eventually
from tests.witness import handle, history

pytestmark = [pytest.mark.browser, pytest.mark.processes]

# So many requests a second leave time for a kill in the middle.
ALLOWANCE, SOME = 40, 20
HOME = {"home"}


@pytest.mark.full  # 75 s; test_rescue brings one home in CI
@pytest.mark.timeout(400)
def test_a_history_comes_home_through_a_kill_and_goes_on_here(tmp_path, chromium):
    with (
        handle.running(tmp_path) as witness,
        start_luthier(tmp_path / "install", LUTHIER_ALLOW_HOSTS=witness.host) as luthier,
        visiting(chromium, luthier.address) as mara,
    ):
        history.fill(witness, jobs=24, files=20)
        witness.set(allowance=ALLOWANCE)
        make_the_first_account(mara, luthier.output)
        make_a_project_by_keyboard(mara)
        _connect(mara, witness)
        _look_around(mara)
        _bring_it_home(mara, luthier, witness)
        _compare_the_manifest(mara, witness)
        _open_a_curve(mara)
        _retrain_it_on_practice(mara)
        _read_the_calendar(mara)
        used = {request.method for request in witness.journal.read()}
        assert used == {"GET"}


def _connect(mara, witness):
    page = mara.page
    mara.link("Connections", exact=True).click()
    mara.heading("Connections")
    page.get_by_label("Name").fill("OpenAI, main")
    page.get_by_label("Base URL").fill(witness.url)
    page.get_by_label("API key").fill(witness.key)
    mara.button("Add the connection").click()
    mara.heading("OpenAI, main")


def _look_around(mara):
    page = mara.page
    mara.link("Rescue", exact=True).click()
    mara.heading("Rescue")
    page.get_by_label("OpenAI, main").check()
    page.get_by_label("Stored completions").check()
    mara.picture("rescue-begin")
    mara.button("Look around").click()
    page.locator("#rescue[data-stage=looked]").wait_for()
    mara.look()
    mara.picture("rescue-looked")


def _bring_it_home(mara, luthier, witness):
    """Every worker dies in the middle of it; nobody has to do anything."""
    page, before = mara.page, len(witness.journal.read())
    mara.button("Bring it home").click()
    page.locator("#rescue[data-stage=fetching]").wait_for()
    page.get_by_role("progressbar", name="Fetch").wait_for()
    eventually(lambda: len(witness.journal.read()) > before + SOME)
    mara.picture("rescue-fetching", "dark", "phone")
    workers = [pid for pid in processes_of(luthier.home) if "app worker" in command_line(pid)]
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    page.locator("#rescue[data-stage=done]").wait_for(timeout=120_000)
    mara.heading(re.compile("is home"))
    mara.picture("rescue-done", "phone")


def _compare_the_manifest(mara, witness):
    page = mara.page
    mara.button("Verify what is home").click()
    page.locator("#rescue[data-stage=verifying], #rescue[data-stage=done]").first.wait_for()
    page.locator("#rescue[data-stage=done]").wait_for(timeout=60_000)
    lines = mara.context.request.get(mara.link("JSONL").get_attribute("href")).text()
    manifest = {(one["kind"], one["object_id"]): one for one in map(json.loads, lines.splitlines())}
    there = [one for one in witness.expected() if one["kind"] == "file"]
    assert len(there) > 20
    for file in there:
        line = manifest["file", file["id"]]
        assert line["outcome"] == file["outcome"], file
        assert (line["sha256"], line["bytes"]) == (file.get("sha256"), file.get("bytes"))
    assert {one["outcome"] for key, one in manifest.items() if key[0] == "eval_items"} == HOME
    mara.link(re.compile("^Open all")).click()
    mara.heading("Manifest")
    mara.picture("rescue-manifest")


def _open_a_curve(mara):
    page = mara.page
    mara.link(re.compile("^Jobs")).first.click()
    mara.heading("Jobs")
    row = page.get_by_role("row", name=re.compile("support.*Succeeded.*chat-"))
    row.first.get_by_role("rowheader").get_by_role("link").click()
    page.locator("#progress[data-status=succeeded]").wait_for()
    eventually(lambda: int(page.locator("[data-chart]").get_attribute("data-points")) > 10)
    mara.look()
    mara.picture("rescued-job")


def _retrain_it_on_practice(mara):
    page = mara.page
    mara.link("Retrain here").click()
    mara.heading("New fine-tuning job")
    page.get_by_label(re.compile("^Practice")).check()
    mara.look()
    mara.picture("rescue-retrain")
    mara.button(re.compile("^Start job")).click()
    page.locator("#progress[data-status=succeeded]").wait_for(timeout=90_000)
    mara.look()


def _read_the_calendar(mara):
    mara.link(re.compile("^Deadlines")).first.click()
    mara.heading("What stops, and when")
    mara.page.get_by_role("rowheader", name=re.compile("gpt-4o")).first.wait_for()
    mara.picture("deadlines", "phone")
