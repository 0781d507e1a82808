"""Pictures of every page of a gallery in every look, for a person to go through.

python -m tests.browser.photographs PICTURES [--gallery FOLDER] [--looks light,dark] [--pages home]

Without a folder that `tests.browser.gallery` keeps open it furnishes one for itself. Pictures never
go into the repository; those of the documentation are made by the journey (LUTHIER_SHOTS=1).
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import WORDS, chromium_path
from tests.browser.gallery import EMAIL, PASSWORD, VIEWER, open_gallery
from tests.browser.visitor import NARROW, PAPER, WIDE

LOOKS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": NARROW, "has_touch": True},
    "phone-dark": {"viewport": NARROW, "color_scheme": "dark"},
    "contrast": {"contrast": "more"},
    "contrast-dark": {"contrast": "more", "color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
    "forced-dark": {"forced_colors": "active", "color_scheme": "dark"},
    "still": {"reduced_motion": "reduce"},
    "print": {},
    "print-dark": {"color_scheme": "dark"},
    "protanopia": {},
    "deuteranopia": {},
    "tritanopia": {},
    "achromatopsia": {},
}


def _press(page: Page, name: str, *, last: bool = False) -> None:
    found = page.get_by_role("button", name=name).locator("visible=true")
    (found.last if last else found.first).click()


def _ask(page: Page, words: str) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type(words)


def _point(page: Page) -> None:
    plot = page.locator("[data-chart-loss]")
    plot.scroll_into_view_if_needed()
    plot.hover(position={"x": plot.bounding_box()["width"] * 0.45, "y": 100})  # type: ignore[index]


def _send_nonsense(page: Page) -> None:
    page.get_by_label("suffix").fill("not a suffix: far too long for anybody to take it seriously")
    page.locator("#n_epochs").fill("a few")
    page.get_by_role("button", name="Start job").locator("visible=true").first.click()
    page.locator(".field__error").first.wait_for()


def _ask_both(page: Page) -> None:
    page.get_by_label("Your message, sent to both").fill("Where is my card?")
    page.keyboard.press("Control+Enter")
    for side in ("a", "b"):
        page.locator(f"article.versus__{side}[aria-busy=false]").wait_for()


# What a page shows only once somebody has done something.
DEEDS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "palette": ("jobs", lambda page: page.keyboard.press("Control+k")),
    "palette-none": ("jobs", lambda page: _ask(page, "nothing is called this")),
    "keys": ("jobs", lambda page: page.keyboard.press("?")),
    "menu-projects": ("home", lambda page: _press(page, "switch project")),
    "menu-filter": ("jobs", lambda page: _press(page, "Filter")),
    "menu-columns": ("jobs", lambda page: _press(page, "Columns")),
    "menu-side": ("home", lambda page: _press(page, "Menu")),
    "dialog-cancel": ("job-running", lambda page: _press(page, "Cancel job")),
    "dialog-remove": ("members", lambda page: _press(page, "Remove Vito")),
    "dialog-bulk": ("jobs-chosen", lambda page: _press(page, "Archive")),
    "toast": ("account", lambda page: _press(page, "Save", last=True)),
    "chart-tip": ("job-running", _point),
    "chart-table": ("job-running", lambda page: page.get_by_text("Table").first.click()),
    "form-errors": ("job-form", _send_nonsense),
    "findings": ("dataset-refused", lambda page: page.locator("summary").nth(2).click()),
    "answers": ("try", _ask_both),
    "focus": ("members", lambda page: [page.keyboard.press("Tab") for _ in range(24)]),
}


class Camera:
    """A signed-in browser that takes pictures in one look."""

    def __init__(self, chromium: Browser, gallery: dict[str, Any], look: str, folder: Path) -> None:
        self.gallery, self.look, self.folder = gallery, look, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.is_print = look.startswith("print")
        words = {"viewport": WIDE, "reduced_motion": "reduce", **LOOKS[look]}
        self.context = chromium.new_context(base_url=gallery["address"], **words)
        self.page = self.context.new_page()
        if look.endswith(("opia", "opsia")):
            client = self.context.new_cdp_session(self.page)
            client.send("Emulation.setEmulatedVisionDeficiency", {"type": look})

    def enter(self, email: str = EMAIL) -> None:
        """Sign in."""
        self.page.goto("/login")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def open(self, address: str) -> None:
        """Go to a page and wait until it stands still."""
        self.page.goto(address, wait_until="load")
        self.page.wait_for_function(
            "() => !document.querySelector('.htmx-request, main > .page > :not(.kit) .skeleton')"
        )
        self.page.wait_for_function(
            "() => [...document.querySelectorAll('[data-chart-empty]')].every((one) => one.hidden)"
            " || !document.querySelector('.uplot') || document.querySelector('.uplot canvas')"
        )
        self.page.wait_for_timeout(150)

    def take(self, name: str, *, whole: bool = True) -> None:
        """Keep what is seen."""
        if self.is_print:
            self.page.emulate_media(media="print")
            self.page.set_viewport_size(PAPER)
            self.page.wait_for_timeout(300)
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=whole or self.is_print)
        if self.is_print:
            self.page.emulate_media(media="screen")
            self.page.set_viewport_size(WIDE)


def main() -> None:
    """Take the pictures that are asked for."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("pictures", type=Path)
    words.add_argument("--gallery", type=Path)
    words.add_argument("--looks", default="light,dark,phone")
    words.add_argument("--pages", default="")
    asked = words.parse_args()
    wanted = set(filter(None, asked.pages.split(",")))
    with _gallery(asked.gallery) as gallery, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path(), args=[*WORDS, "--no-sandbox"]
        )
        for look in asked.looks.split(","):
            for name in _photograph(chromium, gallery, look, asked.pictures / look, wanted):
                sys.stdout.write(f"{look} {name}\n")
        chromium.close()


@contextmanager
def _gallery(folder: Path | None) -> Iterator[dict[str, Any]]:
    if folder is not None:
        yield json.loads((folder / "gallery.json").read_text())
        return
    with TemporaryDirectory() as made, open_gallery(Path(made)) as gallery:
        yield asdict(gallery)


def _photograph(
    chromium: Browser, gallery: dict[str, Any], look: str, folder: Path, wanted: set[str]
) -> Iterator[str]:
    """Every page, before sign-in and after; the names of those taken."""

    def asked(names: Any) -> list[str]:
        return [name for name in names if not wanted or name in wanted]

    camera = Camera(chromium, gallery, look, folder)
    outside = {
        "login": f"{gallery['address']}/login",
        "welcome": gallery["welcome"],
        "welcome-none": gallery["empty"],
        "join": gallery["address"] + gallery["pages"]["invitation"],
        "404-outside": f"{gallery['address']}/nothing-here",
    }
    for name in asked(outside):
        camera.open(outside[name])
        camera.take(name)
        yield name
    camera.enter()
    for name in asked(gallery["pages"]):
        camera.open(gallery["pages"][name])
        camera.take(name)
        yield name
    for name in asked(DEEDS):
        page, deed = DEEDS[name]
        camera.open(gallery["pages"][page])
        try:
            deed(camera.page)
        except Exception as error:  # noqa: BLE001 - one deed that a look does not offer
            sys.stdout.write(f"{look} {name} not taken: {str(error).partition(chr(10))[0]}\n")
            continue
        camera.page.wait_for_timeout(400)
        camera.take(name, whole=False)
        yield name
    camera.context.close()
    as_viewer = asked(["403", "viewer-home", "viewer-members"])
    if as_viewer:
        camera = Camera(chromium, gallery, look, folder)
        camera.enter(VIEWER)
        pages = gallery["pages"]
        places = {
            "403": "/storage",
            "viewer-home": pages["home"],
            "viewer-members": pages["members"],
        }
        for name in as_viewer:
            camera.open(places[name])
            camera.take(name)
            yield name
        camera.context.close()


if __name__ == "__main__":
    main()
