"""A connection added in a browser is tested by itself, and the page hears what came of it."""

import json

import pytest

from tests.browser.visitor import visiting
from tests.journeys.api import OWNER, Script
from tests.processes import start_luthier
from tests.witness import handle
from tests.witness.script import LIST_MODELS, Fault, refusal

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]

SAID = "Incorrect API key provided."


def test_a_new_connection_tests_itself_and_a_refused_key_is_told_without_a_reload(
    chromium, tmp_path, witness
):
    with (
        start_luthier(tmp_path / "home", LUTHIER_ALLOW_HOSTS=witness.host, **OWNER) as luthier,
        Script(luthier) as script,
    ):
        project = script.post("/projects", json={"name": "Support"})
        with visiting(chromium, luthier.address) as mara:
            mara.enter(f"/projects/{project['id']}/connections", *OWNER.values())
            page = mara.page
            said = json.dumps(refusal(SAID))
            for name, fault, outcome in (
                ("Good", Fault(LIST_MODELS, end="real", delay=4.0), "Fine-tuning jobs"),
                # The good one's models are read meanwhile; whoever asks is refused.
                ("Bad", Fault(LIST_MODELS, status=401, body=said, times=9), SAID),
            ):
                witness.script(fault)
                page.goto(f"/projects/{project['id']}/connections")
                page.get_by_label("Name").fill(name)
                page.get_by_label("Base URL").fill(witness.url)
                page.get_by_label("API key").fill(handle.KEY)
                mara.button("Add the connection").click()
                page.get_by_role("heading", name=name, level=1).wait_for()
                page.evaluate("document.body.dataset.marked = 'yes'")
                if fault.delay:  # the answer is long in coming
                    page.get_by_text("Being tested").first.wait_for()
                page.get_by_text(outcome).first.wait_for()
                assert page.evaluate("document.body.dataset.marked") == "yes", "no reload"
                mara.look()
            page.get_by_text("Bad needs another key").wait_for()
        assert witness.creates == []


def test_an_owner_gives_an_admin_key_and_takes_it_back(chromium, tmp_path, witness):
    with (
        start_luthier(tmp_path / "home", LUTHIER_ALLOW_HOSTS=witness.host, **OWNER) as luthier,
        Script(luthier) as script,
    ):
        project = script.post("/projects", json={"name": "Support"})
        account = {"name": "OpenAI, main", "base_url": witness.url, "api_key": handle.KEY}
        made = script.post(f"/projects/{project['id']}/connections", json=account)
        with visiting(chromium, luthier.address) as mara:
            mara.enter(f"/connections/{made['id']}", *OWNER.values())
            page = mara.page
            page.get_by_role("textbox", name="Admin key").fill("sk-admin 1")
            with mara.expecting(422):
                mara.button("Save the admin key").click()
                page.get_by_text("copy it again").wait_for()
            mara.look()
            page.get_by_role("textbox", name="Admin key").fill("sk-admin-0123456789wxyz")
            mara.button("Save the admin key").click()
            page.get_by_text("ends in wxyz, entered").wait_for()
            mara.look()
            mara.button("Forget it").click()
            page.get_by_text("The admin key is forgotten.").wait_for()
            page.get_by_role("textbox", name="Admin key").wait_for()
