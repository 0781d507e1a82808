"""The shell around every page: jumping, keys, toasts, themes, time zones, with a real browser."""

import json
import re

import pytest

from tests.browser.visitor import NARROW, WIDE, visiting
from tests.journeys.api import OWNER, Script, command
from tests.processes import start_luthier

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]

EMAIL, PASSWORD = OWNER.values()
GUEST = "guest@example.org"
TRAP = "/nobody-asked-for-this"
HOSTILE = f"<img src={TRAP}><div hx-get={TRAP} hx-trigger=load>"


@pytest.fixture(scope="module")
def house(chromium, tmp_path_factory):
    """An instance with a few projects, one of them with a hostile name."""
    with start_luthier(tmp_path_factory.mktemp("house") / "home", **OWNER) as luthier:
        with Script(luthier) as script:
            for name in ("Claims triage", f"Refunds {HOSTILE}", "Support routing"):
                script.post("/projects", json={"name": name})
        yield luthier


@pytest.fixture(scope="module")
def routing(house):
    """The address of Support routing: the front page leads to the newest project, whichever a test
    made last.
    """
    with Script(house) as script:
        every = script.get("/projects")["data"]
    return next(f"/projects/{one['id']}" for one in every if one["name"] == "Support routing")


@pytest.fixture
def somebody(house, routing, chromium):
    with visiting(chromium, house.address) as visitor:
        visitor.enter(routing, EMAIL, PASSWORD)
        visitor.page.get_by_role("heading", name="Welcome to Support routing").wait_for()
        yield visitor


def chosen(somebody):
    """The option that a screen reader would read: the box names it."""
    box = somebody.page.get_by_role("combobox", name="Jump to")
    return somebody.page.locator(f"#{box.get_attribute('aria-activedescendant')}").inner_text()


def test_ctrl_k_jumps_to_anything_and_esc_gives_the_focus_back(somebody):
    page = somebody.page
    somebody.tab_to(somebody.link("Datasets", exact=True))
    somebody.press("Control+k")
    page.get_by_role("option").first.wait_for()
    somebody.look()
    somebody.press("Escape")
    assert page.get_by_role("combobox", name="Jump to").is_hidden()
    somebody.press("Control+k")
    page.get_by_role("option").first.wait_for()
    somebody.type("clai")
    page.get_by_role("option", name="Claims triage").wait_for()
    page.wait_for_function("() => document.querySelectorAll('#palette [role=option]').length === 1")
    assert "Claims triage" in chosen(somebody)
    somebody.press("Enter")
    somebody.heading("Welcome to Claims triage")


def test_arrows_walk_through_the_finds_and_a_name_stays_text(somebody):
    page = somebody.page
    somebody.press("Control+k")
    somebody.type("re")
    page.get_by_role("option", name=re.compile("Refunds <img")).wait_for()
    assert page.locator("#palette-list [aria-selected=true]").count() == 1
    first = chosen(somebody)
    somebody.press("ArrowUp", "ArrowDown")
    assert chosen(somebody) == first
    while "Refunds" not in chosen(somebody):
        somebody.press("ArrowDown")
    assert not [url for url in somebody.requests if TRAP in url]
    somebody.type(" nothing is called this")
    page.get_by_text("Nothing of yours is called").wait_for()
    somebody.press("ArrowDown", "Enter")
    somebody.look()


def test_the_palette_does_deeds_too_and_fits_a_phone(house, chromium):
    with visiting(chromium, house.address, viewport=NARROW) as somebody:
        page = somebody.page
        somebody.enter("/", EMAIL, PASSWORD)
        somebody.button("Jump to").locator("visible=true").click()
        somebody.type("sign out")
        page.get_by_role("option", name="Sign out").wait_for()
        somebody.look()
        page.get_by_role("option", name="Sign out").click()
        page.wait_for_url(lambda url: "/login" in url)
        somebody.look()


def test_single_keys_go_places_but_never_while_somebody_types(somebody):
    page = somebody.page
    somebody.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    somebody.look()
    somebody.press("g", "j", "Escape")
    somebody.press("g", "d")
    page.wait_for_url("**/datasets")
    somebody.heading("Datasets")
    somebody.press("g", "h")
    somebody.heading("Welcome to Support routing")
    somebody.go("/projects/new")
    page.get_by_label("Name").fill("")
    somebody.type("g d? c")
    assert page.get_by_label("Name").input_value() == "g d? c"
    assert page.url.endswith("/projects/new")


def test_single_keys_can_be_turned_off_and_the_toast_says_so_once(somebody):
    page = somebody.page
    somebody.go("/account")
    page.get_by_label("Single keys are commands").uncheck()
    page.locator("#settings").get_by_role("button", name="Save").click()
    toast = page.get_by_role("status").filter(has_text="Saved. Every browser of yours follows.")
    toast.wait_for()
    somebody.look()
    toast.get_by_role("button", name="Dismiss").click()
    assert toast.count() == 0
    page.reload()
    somebody.look()
    assert toast.count() == 0
    somebody.press("?", "g", "h")
    assert page.get_by_role("dialog", name="Keys").is_hidden()
    assert page.url.endswith("/account")
    page.get_by_label("Single keys are commands").check()
    page.locator("#settings").get_by_role("button", name="Save").click()
    toast.wait_for()
    somebody.look()


def test_an_answer_to_htmx_can_say_something_too(somebody):
    page = somebody.page
    words = json.dumps({"toast": HOSTILE})
    page.route("**/said", lambda route: route.fulfill(status=204, headers={"HX-Trigger": words}))
    page.evaluate("() => htmx.ajax('GET', '/said', {swap: 'none'})")
    toast = page.locator(".toast")
    toast.wait_for()
    assert toast.locator("p").inner_text() == HOSTILE
    assert not [url for url in somebody.requests if TRAP in url]


def test_the_theme_is_the_persons_and_is_there_at_the_first_paint(house, chromium):
    with visiting(chromium, house.address) as somebody:
        somebody.enter("/account", EMAIL, PASSWORD)
        ink = "() => getComputedStyle(document.body).color"
        light = somebody.page.evaluate(ink)
        with somebody.page.expect_response("**/account/theme"):
            somebody.button("Light or dark").click()
        assert somebody.page.evaluate(ink) != light
        dark = somebody.page.evaluate(ink)
    with visiting(chromium, house.address) as elsewhere:
        elsewhere.enter("/account", EMAIL, PASSWORD)
        assert elsewhere.page.evaluate(ink) == dark
        # The server wrote it into the page: no script is needed, so nothing can flash.
        page = elsewhere.page.request.get("/account").text()
        assert '<html lang="en" data-theme="dark"' in page
        elsewhere.page.get_by_label("Light or dark").last.select_option("system")
        elsewhere.page.locator("#settings").get_by_role("button", name="Save").click()
        elsewhere.page.locator("html[data-theme=system]").wait_for()
        elsewhere.look()


@pytest.mark.parametrize(("zone", "hour"), [("Pacific/Auckland", 13), ("America/Denver", 17)])
def test_times_are_shown_in_the_zone_that_was_chosen(somebody, zone, hour):
    page = somebody.page
    somebody.go("/account")
    page.get_by_label("Time zone").select_option(zone)
    page.locator("#settings").get_by_role("button", name="Save").click()
    page.locator(f"html[data-zone='{zone}']").wait_for()
    somebody.look()
    told = page.evaluate(
        """async () => {
          const time = document.createElement("time");
          time.dateTime = "2026-01-01T00:30:00Z";
          time.dataset.when = "sentence";
          document.body.append(time);
          await null;
          return time.textContent;
        }"""
    )
    assert f"{hour}:30" in told
    assert ("31 Dec" in told) is (hour > 16)
    page.get_by_label("Time zone").select_option("")
    page.locator("#settings").get_by_role("button", name="Save").click()
    page.locator("html:not([data-zone])").wait_for()
    somebody.look()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_jumps_when_what_loads_later_comes(house, chromium, size):
    with visiting(chromium, house.address, viewport=size, asks_axe=False) as somebody:
        somebody.enter("/", EMAIL, PASSWORD)
        somebody.watch_shifts()
        home = somebody.page.url
        for path in (home, f"{home}/datasets", f"{home}/jobs", f"{home}/models", "/projects"):
            somebody.go(path)
            assert somebody.shifted() < 0.05, path


def test_who_is_taken_out_is_told_in_words_and_sees_nothing_more(house, chromium):
    with Script(house) as script:
        project = script.post("/projects", json={"name": "Of short use"})
        words = ("create-user", GUEST, "--project", project["slug"], "--password-stdin")
        command(house.home, *words, typed=f"{PASSWORD}\n")
        with visiting(chromium, house.address) as guest:
            guest.enter(f"/projects/{project['id']}", GUEST, PASSWORD)
            guest.page.locator("[data-live][data-state=live]").wait_for()
            members = script.get(f"/projects/{project['id']}/members")["data"]
            (member,) = [one for one in members if one["email"] == GUEST]
            script.delete(f"/projects/{project['id']}/members/{member['user_id']}")
            guest.heading("This page is no longer yours to see")
            # Chromium and htmx write the panels' 404 to the console; here it is meant.
            guest.complaints[:] = [one for one in guest.complaints if "404" not in one]
            assert "Of short use" not in guest.page.locator("body").inner_text()
            guest.link("Your projects").click()
            guest.heading("Projects")
