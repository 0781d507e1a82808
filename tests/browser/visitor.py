"""Somebody with a browser: keyboard and mouse on what is visible, and an eye on every page."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.settings import ROOT
from tests.browser import keyboard

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "docs" / "images"
# Pictures are of the real program, so a journey makes them, when asked to.
MAKES_PICTURES = os.environ.get("LUTHIER_SHOTS") == "1"
WIDE, NARROW = {"width": 1360, "height": 900}, {"width": 380, "height": 800}
# A sheet of A4 without its margins, in CSS pixels.
PAPER = {"width": 703, "height": 1000}
PATIENCE_MS = 30_000
TABS_AT_MOST = 80

TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""
RUN_AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
  (found) => `${found.id} (${found.impact}): ${found.nodes.slice(0, 4)
    .map((node) => node.html + " — " + node.failureSummary).join(" | ")}`)"""
OVERFLOWS = """() => [...document.body.querySelectorAll("*")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1
    && !one.closest(".scroll, pre, [popover]"))
  .slice(0, 5).map((one) => one.outerHTML.slice(0, 160))"""


WATCH_SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifted += entry.value;
  }).observe({type: "layout-shift", buffered: true});
}"""


@contextmanager
def visiting(chromium: Any, address: str, **words: Any) -> Iterator["Visitor"]:
    """A visitor with a browser profile of their own; in the end nothing may have been wrong."""
    visitor = Visitor(chromium, address, **words)
    try:
        yield visitor
    except BaseException as error:
        for complaint in visitor.complaints:
            error.add_note(complaint)
        raise
    else:
        visitor.assert_content()
    finally:
        visitor.context.close()


class Visitor:
    """One browser profile with one page. Whatever a page complains about is kept, and fails the
    test when the visitor leaves. Where axe has judged the same pages elsewhere, `asks_axe` is off.
    """

    def __init__(self, chromium: Any, address: str, *, asks_axe: bool = True, **words: Any) -> None:
        self._asks_axe = asks_axe
        words = {"viewport": WIDE, "reduced_motion": "reduce", **words}
        self.context = chromium.new_context(base_url=address, **words)
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._visited: set[str] = set()
        self._looked_at: set[str] = set()
        self.page.on("console", self._heard)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("framenavigated", lambda frame: self._visited.add(kind_of(frame.url)))

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            place = f"{message.location.get('url')}:{message.location.get('lineNumber')}"
            self.complaints.append(f"{message.type}: {message.text} ({place})")

    @contextmanager
    def expecting(self, status: int) -> Iterator[None]:
        """Chromium writes an answer of this status to its console; here it is meant."""
        before = len(self.complaints)
        yield
        new = self.complaints[before:]
        self.complaints[before:] = [one for one in new if f"a status of {status}" not in one]
        assert len(self.complaints) < before + len(new), f"no answer of status {status}: {new}"

    # Doing

    def go(self, path: str) -> None:
        """Type an address."""
        self.page.goto(path, wait_until="load")
        self.look()

    def button(self, name: str | re.Pattern[str], **words: Any) -> Any:
        """The visible button of that name."""
        return self.page.get_by_role("button", name=name, **words)

    def link(self, name: str | re.Pattern[str], **words: Any) -> Any:
        """The visible link of that name."""
        return self.page.get_by_role("link", name=name, **words)

    def heading(self, name: str | re.Pattern[str]) -> None:
        """Wait for a heading; then look at the page it stands on."""
        self.page.get_by_role("heading", name=name).first.wait_for()
        self.look()

    def tab_to(self, wanted: Any) -> None:
        """Reach something with the Tab key alone."""
        wanted.wait_for()
        for _ in range(TABS_AT_MOST):
            if wanted.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"The Tab key does not reach {wanted}")

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        """Type into whatever has the focus."""
        self.page.keyboard.type(words)

    def enter(self, path: str, email: str, password: str) -> None:
        """Type an address that asks who one is, and say so."""
        self.page.goto(path, wait_until="load")
        self.look(asks_axe=False)  # test_shell judges this page
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)
        self.look(asks_axe=path != "/")  # which is judged by whoever is there for its sake

    def drop(self, path: Path, name: str) -> None:
        """Let a file of that name fall onto the page's drop zone."""
        held = self.page.evaluate_handle(
            """([text, name]) => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([text], name, {type: "application/jsonl"}));
              return transfer;
            }""",
            [path.read_text(), name],
        )
        zone = self.page.locator("[data-drop]")
        assert zone.is_visible()
        for event in ("dragenter", "dragover", "drop"):
            zone.dispatch_event(event, {"dataTransfer": held})

    def choose(self, path: Path, name: str) -> None:
        """Choose a file of that name in the dialog that a click on the drop zone opens."""
        with self.page.expect_file_chooser() as asked:
            self.page.locator("[data-drop]").click()
        file = {"name": name, "mimeType": "application/jsonl", "buffer": path.read_bytes()}
        asked.value.set_files(file)

    # Looking

    def walk(self) -> None:
        """Go through the page with the Tab key alone, once all that it fetches is there."""
        self.page.wait_for_function("() => !document.querySelector('.htmx-request')")
        self.complaints += keyboard.walk(self.page)

    def look(self, *, asks_axe: bool = True) -> None:
        """Search the page for what a person would not see: axe's findings, sideways scrolling."""
        self.page.wait_for_load_state("load")
        where = kind_of(self.page.url)
        if self._asks_axe and asks_axe:
            self._ask_axe(where)
        width = self.page.evaluate("() => document.scrollingElement.scrollWidth - innerWidth")
        if width > 0:
            wide = self.page.evaluate(OVERFLOWS)
            self.complaints.append(f"{where} is {width} px too wide: {json.dumps(wide, indent=1)}")
        self._looked_at.add(where)

    def _ask_axe(self, where: str) -> None:
        if not self.page.evaluate("() => typeof axe !== 'undefined'"):
            self.page.evaluate(AXE.read_text())
        self.complaints += [f"axe on {where}: {found}" for found in self.page.evaluate(RUN_AXE)]

    def watch_shifts(self) -> None:
        """From the next page on, keep count of what jumps."""
        self.page.add_init_script(f"({WATCH_SHIFTS})()")

    def shifted(self) -> float:
        """How much of this page has jumped until everything it fetches was there (0.05 is good)."""
        self.page.wait_for_function("() => !document.querySelector('.htmx-request')")
        return float(self.page.evaluate("() => shifted"))

    def picture(self, name: str, *looks: str, of: str = "") -> None:
        """Keep what is on the screen for the documentation when pictures are asked for, or `of` one
        part alone; also in dark or on a phone.
        """
        if not MAKES_PICTURES:
            return
        PICTURES.mkdir(parents=True, exist_ok=True)
        if of:
            self.page.locator(of).screenshot(path=PICTURES / f"{name}.png")
            return
        self.page.evaluate("() => scrollTo(0, 0)")
        self.page.screenshot(path=PICTURES / f"{name}.png")
        for look in looks:
            self.page.emulate_media(color_scheme="dark" if look == "dark" else "light")
            self.page.set_viewport_size(NARROW if look == "phone" else WIDE)
            self.page.screenshot(path=PICTURES / f"{name}-{look}.png")
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(WIDE)

    def assert_content(self) -> None:
        """Nothing was wrong, and no page was passed by without a look."""
        assert self.complaints == [], "\n\n".join(self.complaints)
        unseen = self._visited - self._looked_at - {"about:blank"}
        assert not unseen, f"visited and not looked at: {unseen}"


def kind_of(url: str) -> str:
    """The path of an address with its numbers and secrets blotted out."""
    path = urlsplit(url).path
    return re.sub(r"/(\d+|(?<=welcome/|assword/)[^/]+)(?=/|$)", "/#", path) if path else url


def is_file(url: str) -> bool:
    """True for the address of a file, which a browser saves."""
    ends = ("/content", "/source", "/archive", ".csv", ".json", ".jsonl", ".yaml")
    return urlsplit(url).path.endswith(ends)
