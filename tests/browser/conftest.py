"""A Chromium, if this machine has one."""

import os
import shutil

import pytest

from tests.browser.workshop import furnished, reopened

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
# It stays on this machine, and needs no screen.
WORDS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str | None:
    """Where this machine has a Chromium, if it has one."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


@pytest.fixture(scope="module")
def chromium():
    """A Chromium, driven by Playwright. Skipped where there is none, unless it is required."""
    path = chromium_path()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        if os.environ.get("LUTHIER_REQUIRE_BROWSER") == "1":
            pytest.fail("LUTHIER_REQUIRE_BROWSER is set and there is no Chromium")
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root; CI runs as root in a container.
        words = [*WORDS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        opened = playwright.chromium.launch(executable_path=path, args=words)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def workshop(chromium, tmp_path_factory):
    """A project with a good and a bad file, a finished job and its model; hostile words on all."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    home = tmp_path_factory.mktemp("workshop") / "home"
    with reopened(furnished(root), home) as workshop:
        yield workshop
