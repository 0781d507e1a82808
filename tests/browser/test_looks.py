"""What a page must not lose: on paper, in forced colours, with more contrast, while it loads."""

import pytest

from tests.browser.doubted import doubted
from tests.browser.visitor import NARROW, PAPER, WIDE, visiting
from tests.browser.workshop import EMAIL, HOSTILE, PASSWORD, TRAP
from tests.journeys.api import Script

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]

# How many pixels of each curve's hue the loss plot holds, and how light the darkest of each is.
HUES = """() => {
  const { width, height } = document.querySelector("[data-chart-loss] canvas");
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(document.querySelector("[data-chart-loss] canvas"), 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  const found = { train: 0, valid: 0, words: 0 };
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue, alpha] = data.slice(at, at + 4);
    if (alpha < 200) continue;
    if (red - blue > 70) found.train += 1;
    else if (blue - red > 70) found.valid += 1;
    else if (Math.max(red, green, blue) - Math.min(red, green, blue) < 40) found.words += 1;
  }
  return found;
}"""
# Badges and tags that nothing sets apart from the ground they stand on.
BARE = """() => [...document.querySelectorAll(".badge, .tag, .note, .receipt")]
  .filter((one) => one.checkVisibility() && !one.closest(".list"))
  .filter((one) => parseFloat(getComputedStyle(one).borderTopWidth) < 1)
  .map((one) => one.outerHTML.slice(0, 120))"""
# A browser lays a plate of its own behind words on a coloured ground, unless told to leave it.
PLATED = """() => [...document.querySelectorAll(".btn--primary")]
  .filter((one) => one.checkVisibility() && getComputedStyle(one).forcedColorAdjust !== "none")
  .map((one) => one.outerHTML.slice(0, 120))"""
TOO_WIDE = """() => [...document.querySelectorAll("main *")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map((one) => one.outerHTML.slice(0, 160))"""


@pytest.fixture(scope="module")
def job(workshop):
    return workshop.pages["job"]


def draw_chart(somebody):
    somebody.page.wait_for_function(
        "() => Number(document.querySelector('[data-chart]').dataset.points) > 0"
        " && document.querySelector('[data-chart-loss] canvas')"
    )


@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.full)])
def test_forced_colours_keep_curves_states_choices_and_the_focus(workshop, job, chromium, scheme):
    words = {"forced_colors": "active", "color_scheme": scheme, "asks_axe": False}
    with visiting(chromium, workshop.address, **words) as somebody:
        page = somebody.page
        somebody.enter(job, EMAIL, PASSWORD)
        draw_chart(somebody)
        hues = page.evaluate(HUES)
        assert min(hues.values()) > 30, hues
        chosen = page.locator(".side__link[aria-current]")
        other = page.locator(".side__link:not([aria-current])").first
        paint = "one => getComputedStyle(one).backgroundColor"
        assert chosen.evaluate(paint) != other.evaluate(paint)
        walked = ("home", "job", "job-form", "members")
        for name in (*walked, "report", "refused", "jobs", "connection"):
            somebody.go(workshop.pages[name])
            assert page.evaluate(BARE) + page.evaluate(PLATED) == [], name
            if name in walked:
                somebody.walk()


@pytest.mark.full
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_more_contrast_is_sound_too(workshop, chromium, scheme):
    with visiting(chromium, workshop.address, contrast="more", color_scheme=scheme) as somebody:
        somebody.enter("/", EMAIL, PASSWORD)
        for name in ("home", "report", "jobs", "job", "job-form", "try", "connection", "api"):
            somebody.go(workshop.pages[name])


@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.full)])
def test_paper_holds_what_was_found_and_nothing_to_press(workshop, job, chromium, scheme):
    words = {"color_scheme": scheme, "asks_axe": False}
    with visiting(chromium, workshop.address, **words) as somebody:
        page = somebody.page
        somebody.enter(job, EMAIL, PASSWORD)
        draw_chart(somebody)
        on_screen = page.evaluate(HUES)
        page.emulate_media(media="print")
        page.set_viewport_size(PAPER)
        page.wait_for_function(
            f"(before) => JSON.stringify(({HUES})()) !== before", arg=str(on_screen)
        )
        assert min(page.evaluate(HUES).values()) > 30
        for part in (
            "h1",
            ".head .badge",
            ".stats",
            "#about .facts",
            "[data-chart-loss] canvas",
            ".log",
        ):
            assert page.locator(part).first.is_visible(), part
        for part in (".side", ".bar", ".actions", ".toolbar", ".copy", ".tip", "summary"):
            assert page.locator(f"{part}:visible").count() == 0, part
        ink = page.evaluate("() => getComputedStyle(document.body).color")
        assert max(map(int, ink[4:-1].split(","))) < 60, f"{ink} on white paper"
        for name in ("job", "report", "rows", "jobs", "model", "home", "storage", "api"):
            somebody.go(workshop.pages[name])
            assert page.evaluate(TOO_WIDE) == [], name


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_jumps_where_things_are_looked_at(workshop, chromium, size):
    with visiting(chromium, workshop.address, viewport=size, asks_axe=False) as somebody:
        somebody.enter("/", EMAIL, PASSWORD)
        somebody.watch_shifts()
        for name in ("job", "report", "model", "connection", "job-form", "api"):
            somebody.go(workshop.pages[name])
            if name == "job":
                draw_chart(somebody)
            assert somebody.shifted() < 0.05, name


@pytest.mark.full  # 47 s: a job of its own
def test_a_job_that_trains_does_not_jump_under_the_eyes(workshop, chromium):
    with (
        visiting(chromium, workshop.address, asks_axe=False) as somebody,
        Script(workshop) as script,
    ):
        somebody.enter("/", EMAIL, PASSWORD)
        somebody.watch_shifts()
        started = script.start_job(
            workshop.project["id"],
            suffix="watched",
            n_epochs=40,
            training_version_id=workshop.ready["version"]["id"],
            validation_split=0.1,
        )
        somebody.go(f"/jobs/{started['id']}")
        somebody.page.locator("#progress[data-status=running]").wait_for()
        draw_chart(somebody)
        assert somebody.shifted() < 0.05
        somebody.page.locator("#progress[data-status=succeeded]").wait_for()
        assert somebody.shifted() < 0.1
        somebody.look()


def test_a_job_in_doubt_is_decided_on_a_phone_and_a_stray_run_is_left(workshop, chromium):
    with (
        doubted(workshop.home, workshop.job["id"], words=HOSTILE) as job_id,
        visiting(chromium, workshop.address, viewport=NARROW) as somebody,
    ):
        page = somebody.page
        somebody.enter(f"/jobs/{job_id}", EMAIL, PASSWORD)
        assert HOSTILE in page.locator("#progress").inner_text()
        somebody.button("Look again").click()
        somebody.look()
        page.locator("#look-again-dialog").get_by_role("button", name="Look again").click()
        page.get_by_text("none with the order's tag").wait_for()
        somebody.go(workshop.pages["connection"])
        somebody.heading("Runs that no job has")
        somebody.button("Leave it").first.click()
        page.locator("dialog[open]").get_by_role("button", name="Leave it").click()
        page.get_by_text("It is left alone.").wait_for()
        assert page.get_by_text("ftjob-stray").count() == 0
        assert not [url for url in somebody.requests if TRAP in url]
