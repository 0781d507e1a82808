"""A suite of promptfoo comes in by a file; a model is recorded on it, and held against itself."""

import pytest

from tests.browser.visitor import NARROW, visiting
from tests.browser.workshop import EMAIL, HOSTILE, PASSWORD, TRAP
from tests.evaluations.imports.test_promptfoo_configs import CONFIG

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]


@pytest.mark.full  # a minute; test_imports and test_golden prove the steps
def test_a_suite_comes_in_and_a_model_is_recorded_on_it(workshop, chromium, tmp_path):
    with visiting(chromium, workshop.address, color_scheme="dark", viewport=NARROW) as somebody:
        page = somebody.page
        home = workshop.pages["graders"].removesuffix("/graders")
        somebody.enter(f"{home}/evaluations/import", EMAIL, PASSWORD)
        somebody.heading("Import an evaluation")
        somebody.look()
        with somebody.expecting(422):
            page.get_by_label("YAML, JSON, or rows").fill(HOSTILE)
            somebody.button("Import it", exact=True).click()
            page.get_by_text("This is neither").wait_for()
        somebody.look()
        suite = tmp_path / "promptfooconfig.yaml"
        suite.write_bytes(
            CONFIG.replace(b"Support answers", b"Support answers " + HOSTILE.encode())
        )
        page.get_by_label("The file").set_input_files(suite)
        somebody.button("Import the file").click()
        page.get_by_role("heading", name="What did not carry over").wait_for()
        page.get_by_text("JavaScript is not run here").wait_for()
        somebody.look()

        somebody.go(workshop.pages["try"])
        name = page.locator(".by .hash").first.inner_text()
        somebody.go(workshop.pages["model"])
        page.get_by_role("link", name="Record its answers").click()
        page.get_by_label("Times each case is asked").fill("2")
        somebody.look()
        somebody.button("Record").click()
        page.get_by_text("of the 4 cases, each asked 2 times").wait_for()
        somebody.look()
        page.get_by_label("Model", exact=True).fill(name)
        somebody.button("Ask it").click()
        page.get_by_text("too few to compare").wait_for()
        somebody.look()
        assert not [url for url in somebody.requests if TRAP in url]
