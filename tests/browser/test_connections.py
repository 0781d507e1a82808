"""A connection added in a browser is tested by itself, and the page hears what came of it."""

import json

import httpx2
import pytest

from tests.browser.visitor import NARROW, WIDE, visiting
from tests.hooks import OTHER_SECRET, SECRET, event, signed
from tests.journeys.api import OWNER, Script
from tests.processes import start_luthier
from tests.witness import handle
from tests.witness.script import LIST_MODELS, Fault, refusal

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]

SAID = "Incorrect API key provided."


@pytest.mark.full  # 23 s: an instance of its own
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


@pytest.mark.full  # 28 s
def test_an_owner_gives_an_admin_key_takes_it_back_and_sets_a_webhook_up(
    chromium, tmp_path, witness
):
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
            (practice, _) = script.get(f"/projects/{project['id']}/connections")["data"]
            _set_a_webhook_up(mara, practice["id"])
            _enter_one_by_hand(mara, made["id"])


def _set_a_webhook_up(mara, connection_id):
    """At the trainer of this machine, by one button of the connection's page."""
    page = mara.page
    mara.go(f"/connections/{connection_id}")
    mara.button("Set up the webhook").click()
    mara.heading("Webhook")
    page.get_by_text("Nothing has arrived yet.").wait_for()
    mara.button("Send a test").click()
    page.get_by_text("A test was sent, and answered with 204.").wait_for()
    page.get_by_text("No job here has this run.").wait_for()
    mara.look()
    mara.button("Rotate the secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Rotate").click()
    page.get_by_text("The one before").wait_for()
    for size, scheme in ((NARROW, "light"), (NARROW, "dark"), (WIDE, "dark"), (WIDE, "light")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        mara.look()
    mara.go(f"/connections/{connection_id}/webhook")
    mara.walk()
    mara.button("Remove the webhook").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    page.get_by_text("The webhook is removed.").wait_for()
    mara.button("Set up the webhook").wait_for()


def _enter_one_by_hand(mara, connection_id):
    """Where a person makes the endpoint, the page takes its secret and hears what comes."""
    page = mara.page
    mara.go(f"/connections/{connection_id}")
    mara.link("Set it up by hand").click()
    mara.button("Make the address").click()
    page.get_by_text("Waiting for its secret").first.wait_for()
    address = page.locator("[data-copy-text^='http']").get_attribute("data-copy-text")
    page.get_by_role("textbox", name="Signing secret").fill("whsec_c2hvcnQ=")
    with mara.expecting(422):
        mara.button("Save the secret").click()
        page.get_by_text("has 24 bytes or more").wait_for()
    mara.look()
    page.get_by_role("textbox", name="Signing secret").fill(SECRET)
    mara.button("Save the secret").click()
    page.get_by_text("The signing secret is sealed.").wait_for()
    page.evaluate("document.body.dataset.marked = 'yes'")
    for secret, outcome in ((SECRET, "Not about a run."), (OTHER_SECRET, "does not fit")):
        one = signed(event("x", "batch.completed"), secret=secret)
        httpx2.post(address, content=one.body, headers=one.headers, trust_env=False)
        page.get_by_text(outcome).wait_for()
    assert page.evaluate("document.body.dataset.marked") == "yes", "no reload"
    mara.look()
