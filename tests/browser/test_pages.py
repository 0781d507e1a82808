"""Every page in light, in dark and on a phone; by keyboard; for viewers; with hostile words."""

import re
import sqlite3
from contextlib import closing

import pytest
import redis

from app.core.events import CHANNEL
from app.core.home import socket_path
from tests.browser.visitor import NARROW, is_file, kind_of, visiting
from tests.browser.workshop import EMAIL, HOSTILE, NAME, PASSWORD, TRAP, VIEWER

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]

COUNT_NUDGES = """() => { window.nudges = 0;
  document.addEventListener("luthier:nudge", () => nudges++); }"""
UNFOLD = "() => document.querySelectorAll('details').forEach((one) => (one.open = true))"

DARK, PHONE = {"color_scheme": "dark"}, {"viewport": NARROW}
LOOKS = {"light": {}, "dark": DARK, "phone": PHONE, "dark-phone": DARK | PHONE}


# The other half with make faults, where every page is judged in every look too.
@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.full)])
def test_every_page_is_sound_and_the_tab_key_reaches_everything(workshop, chromium, half):
    with visiting(chromium, workshop.address) as somebody:
        somebody.enter("/", EMAIL, PASSWORD)
        for name, path in list(workshop.pages.items())[half::2]:
            somebody.go(path)
            somebody.walk()
            if name == "api":
                somebody.page.evaluate(UNFOLD)
                somebody.look()
        assert somebody.page.locator(f"[src='{TRAP}'], [hx-get='{TRAP}']").count() == 0
        assert not [url for url in somebody.requests if TRAP in url]
        with somebody.expecting(404):
            somebody.go("/jobs/99999")
            somebody.walk()


@pytest.mark.full
@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_sound_in_every_look(workshop, chromium, look):
    with visiting(chromium, workshop.address, **LOOKS[look]) as somebody:
        somebody.enter("/", EMAIL, PASSWORD)
        for path in workshop.pages.values():
            somebody.go(path)
        assert not [url for url in somebody.requests if TRAP in url]


def test_hostile_rows_are_shown_as_they_are(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        somebody.enter(workshop.pages["report"], EMAIL, PASSWORD)
        assert HOSTILE in somebody.page.locator("main").inner_text()
        for path in (workshop.pages["rows"], f"{workshop.pages['refused']}/rows?row=6"):
            somebody.go(path)
            assert HOSTILE in somebody.page.locator("main").inner_text()
        somebody.go(workshop.pages["home"])
        assert f"Support {NAME}" in somebody.page.locator("body").inner_text()
        somebody.go(workshop.pages["try"])
        somebody.page.get_by_label("Your message, sent to both").fill(HOSTILE)
        somebody.press("Control+Enter")
        somebody.page.locator("article.versus__b[aria-busy=false]").wait_for()
        somebody.page.locator("article.versus__a[aria-busy=false]").wait_for()
        assert HOSTILE in somebody.page.locator("#conversation").inner_text()
        assert not [url for url in somebody.requests if TRAP in url]
        assert "49" not in somebody.page.title()


def test_a_job_is_started_with_the_keyboard_alone(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter(workshop.pages["report"], EMAIL, PASSWORD)
        somebody.tab_to(somebody.link("Fine-tune this version"))
        somebody.press("Enter")
        somebody.heading("New fine-tuning job")
        somebody.tab_to(page.locator("input[name=validation]:checked"))
        share = page.get_by_role("radio", name=re.compile("Split off a share"))
        while not share.is_checked():
            somebody.press("ArrowLeft")
        somebody.tab_to(page.get_by_label("Share split off"))
        somebody.press("Control+a")
        somebody.type("0.2")
        somebody.tab_to(page.locator("#n_epochs"))
        somebody.type("1")
        somebody.tab_to(page.get_by_label("suffix"))
        somebody.type("by-keyboard")
        page.get_by_text("× 1", exact=True).wait_for()
        somebody.look()
        somebody.tab_to(somebody.button(re.compile("^Start job")))
        somebody.press("Enter")
        somebody.heading("by-keyboard")
        page.locator("#progress[data-status=succeeded]").wait_for()
        somebody.look()


def test_the_instances_owner_changes_a_day_and_the_calendar_says_so(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter("/dates", EMAIL, PASSWORD)
        somebody.link(re.compile("^Change the entry The machine goes")).click()
        page.get_by_label("Day", exact=True).fill("2098-03-04")
        page.get_by_label("Why").fill("The lease was changed.")
        somebody.button("Change the day").click()
        page.get_by_text("The day is changed, in every project.").wait_for()
        somebody.look()
        somebody.go(workshop.pages["calendar"])
        said = page.locator("main").inner_text()
        assert "4 March 2098" in said
        assert "for this instance: The lease was changed." in said
        page.get_by_label("Name, base model or source").fill("nothing is called this")
        page.get_by_text("No date matches.").wait_for()
        somebody.look()


@pytest.mark.full  # half a minute; the walls ask every route as a viewer
def test_a_viewer_finds_no_dead_button(workshop, chromium):
    with visiting(chromium, workshop.address, asks_axe=False) as viewer:
        page = viewer.page
        viewer.enter("/", VIEWER, PASSWORD)
        # One page of a kind is walked, and the run that is found is not the one people answer.
        waiting, kinds = [workshop.pages["by-hand"], "/projects"], set()
        while waiting:
            path = waiting.pop()
            if kind_of(path) in kinds:
                continue
            kinds.add(kind_of(path))
            if is_file(path):
                assert page.request.get(path).ok, path
                continue
            viewer.go(path)  # a refusal would stand in the console
            # Whoever may sign in may make a project, and owns it; has an account; reads for
            # themselves.
            own = "[action='/projects'], [action^='/account/'], [action*='/notices/']"
            forms = page.locator(f"main form[method=post]:not({own}, [action*='/calendar-link'])")
            for form in forms.locator("visible=true").all():
                raise AssertionError(f"{path}: {form.evaluate('one => one.outerHTML')}")
            links = page.locator("a[href]").evaluate_all(
                "all => all.map((one) => one.getAttribute('href').split('#')[0])"
            )
            waiting += [link for link in links if link.startswith("/")]
        assert set(map(kind_of, workshop.pages.values())) - kinds == {
            kind_of(workshop.pages[name])
            for name in (
                *(
                    "version-new",
                    "reading",
                    "job-form",
                    "people",
                    "storage",
                    "invitation",
                    "calendar-link",
                ),
                *("dates", "jobs-question", "models-question", "datasets-question", "endpoints"),
                *("endpoint", "budget-spend", "prices", "conversation"),
                *("graders-new", "grader-edit", "grader-tried", "round-grade"),
                "by-hand-case",
            )
        }


def test_a_refused_file_says_exactly_why_and_keeps_its_report(workshop, chromium, tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b'{"messages": []}\n' + b"\xff\xfe not text\n" * 3)
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter(workshop.pages["datasets"], EMAIL, PASSWORD)
        somebody.choose(bad, "Not text.jsonl")
        page.wait_for_url("**/dataset-versions/*")
        page.get_by_text("Mend the file and upload it as the next version").wait_for()
        somebody.look()
        told = page.locator("#progress").inner_text()
        assert "UTF-8" in told
        somebody.go(workshop.pages["datasets"])
        somebody.link("Not text", exact=True).click()
        somebody.heading("Not text")
        assert page.locator("#progress").inner_text() == told


def test_the_example_shows_whose_it_is(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter("/projects/new", EMAIL, PASSWORD)
        page.get_by_label("Name").fill("Beginners")
        somebody.press("Enter")
        somebody.heading("Welcome to Beginners")
        somebody.link("Datasets", exact=True).click()
        somebody.heading("Datasets")
        somebody.tab_to(somebody.button("Start with an example"))
        somebody.press("Enter")
        page.get_by_text("10,003 conversations, ready to train on").wait_for()
        page.get_by_text("CC BY 4.0").first.wait_for()
        somebody.look()


def test_panels_of_one_topic_do_not_wake_each_other(workshop, chromium):
    with (
        visiting(chromium, workshop.address) as somebody,
        redis.Redis(unix_socket_path=str(socket_path(workshop.home, "valkey.sock"))) as broker,
    ):
        page, held = somebody.page, []
        somebody.enter(workshop.pages["datasets"], EMAIL, PASSWORD)
        page.locator("[data-live][data-state=live]").wait_for()
        page.wait_for_function("() => !document.querySelector('.htmx-request')")
        page.evaluate(COUNT_NUDGES)
        topic = f"project:{workshop.project['id']}"
        panels = page.locator(f"[data-topic='{topic}'][hx-get]").count()
        assert panels > 1
        # A builtin cannot carry the mark Playwright puts on handlers.
        page.route(re.compile(f"{workshop.pages['home']}/"), lambda route: held.append(route))  # noqa: PLW0108
        for nudge in (1, 2):
            broker.publish(CHANNEL, topic)
            page.wait_for_function("(nudge) => nudges === nudge", arg=nudge)
        # The second nudge came while all were on their way: each asks once more, and then rests.
        for turn in range(2 * panels):
            while len(held) <= turn:
                page.wait_for_event("request")
            with page.expect_response(held[turn].request.url):
                held[turn].continue_()
        page.wait_for_function("() => !document.querySelector('.htmx-request')")
        assert len(held) == 2 * panels


def test_a_notice_comes_while_somebody_looks_and_each_reads_for_themselves(workshop, chromium):
    with (
        visiting(chromium, workshop.address) as somebody,
        visiting(chromium, workshop.address) as viewer,
    ):
        page = somebody.page
        somebody.enter(workshop.pages["notices"], EMAIL, PASSWORD)
        viewer.enter(workshop.pages["home"], VIEWER, PASSWORD)
        if somebody.button("Mark all as read").count():  # of the workshop's own jobs
            somebody.button("Mark all as read").click()
        page.locator("[data-live][data-state=live]").wait_for()
        name_a_day(workshop, ahead=14)
        title = page.get_by_text(re.compile(f"^{workshop.job['base_model']} stops at"))
        title.first.wait_for()
        page.locator(".side__count", has_text="1 new").wait_for()
        somebody.look()
        viewer.page.get_by_text("in 14 days").wait_for()
        viewer.look()
        somebody.tab_to(somebody.button(re.compile("^Mark read")))
        somebody.press("Enter")
        page.get_by_text("Mark all as read").wait_for(state="detached")
        assert page.locator(".side__count", has_text="new").count() == 0
        viewer.go(workshop.pages["notices"])
        viewer.page.locator(".side__count", has_text="1 new").wait_for()


def test_a_calendar_address_is_shown_once_and_taken_back(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter(workshop.pages["notices"], EMAIL, PASSWORD)
        somebody.tab_to(somebody.button("Make a calendar address"))
        somebody.press("Enter")
        page.get_by_text("Copy the address now").wait_for()
        somebody.look()
        address = page.locator("#calendar-link .hash").inner_text()
        assert page.request.get(address).headers["content-type"].startswith("text/calendar")
        page.reload()
        somebody.button("Revoke it").click()
        somebody.button("Make a calendar address").wait_for()
        assert address not in page.content()
        assert page.request.get(address).status == 404


def name_a_day(workshop, *, ahead):
    """The instance's owner says when the base of the workshop's model stops, and a look is due."""
    with (
        closing(sqlite3.connect(workshop.home / "luthier.sqlite", timeout=30)) as database,
        database,
    ):
        database.execute("UPDATE owners_dates SET day = date('now', ?)", [f"+{ahead} days"])
        database.execute("UPDATE date_watches SET due_at = datetime('now')")
