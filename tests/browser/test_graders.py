"""A grader is built in its form, tried on rows before it is kept, and tried again on its page; a
judge says what it would cost before it is asked.
"""

import pytest

from tests.browser.visitor import NARROW, visiting
from tests.browser.workshop import EMAIL, HOSTILE, PASSWORD, TRAP

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(240)]


def test_a_grader_is_built_in_the_form_and_tried_on_fifty_rows(workshop, chromium):
    with visiting(chromium, workshop.address, color_scheme="dark", viewport=NARROW) as somebody:
        page = somebody.page
        somebody.enter(workshop.pages["graders"], EMAIL, PASSWORD)
        somebody.link("New grader").click()
        somebody.heading("By task")
        somebody.link("Classification").click()
        somebody.heading("New grader: Label")
        rows = page.get_by_label("Rows of", exact=True)
        with somebody.expecting(422):
            page.get_by_label("Name", exact=True).fill("")
            rows.select_option(str(workshop.ready["version"]["id"]))
            somebody.button("Try it as it stands").click()
            page.get_by_text("The grader is not right yet. name: This is needed.").wait_for()
        somebody.look()

        page.get_by_label("Name", exact=True).fill("intent")
        somebody.button("Try it as it stands").click()
        page.get_by_text("Rows 1 to 50 of").wait_for()
        assert page.get_by_text("Passed", exact=True).count() > 50
        somebody.look()
        page.get_by_label("Answers", exact=True).fill(f"{HOSTILE}\nno such label")
        somebody.button("Try it as it stands").click()
        page.get_by_text("Rows 1 to 2 of").wait_for()
        assert HOSTILE in page.locator("#tried").inner_text()

        somebody.button("Keep it").click()
        somebody.heading("intent")
        page.get_by_label("Rows of", exact=True).select_option(str(workshop.ready["version"]["id"]))
        somebody.button("Try it", exact=True).click()
        page.get_by_text("Rows 1 to 50 of").wait_for()
        somebody.link("The rows after these").click()
        page.get_by_text("Rows 51 to 100 of").wait_for()
        somebody.look()
        assert not [url for url in somebody.requests if TRAP in url]


def test_a_judge_says_its_price_is_asked_and_its_babble_is_no_verdict(workshop, chromium):
    with visiting(chromium, workshop.address) as somebody:
        page = somebody.page
        somebody.enter(workshop.pages["judge-price"], EMAIL, PASSWORD)
        page.get_by_text("5 questions, about").wait_for()
        page.get_by_text("It costs nothing.").wait_for()
        somebody.look()
        somebody.button("Ask the judge").click()
        page.get_by_text("5 of 5").wait_for()
        page.get_by_text("5 scores of 0 because the judge's reply is malformed.").wait_for()
        assert page.get_by_text("The judge's reply begins:").count() == 5
        somebody.look()
        assert not [url for url in somebody.requests if TRAP in url]
